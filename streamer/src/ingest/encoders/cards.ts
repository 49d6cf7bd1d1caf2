import type { HardwareEncoder } from '../../../../server/contracts';
import { type Coding, cappedAt, keysAt, type PictureEncoder, QUALITY } from './encoder';
import { driverLibraries, nvidiaNodes, renderNodes } from './hardware';

/** No picture waits for a later one: the first that is decoded is the first that is shown. */
const IN_ORDER = ['-bf', '0'];
/** An encoder of a graphics card. */
export interface Card extends PictureEncoder {
  name: HardwareEncoder;
}

/** What is tried where there is none, so that it is ffmpeg that says so. */
const FIRST_RENDER_NODE = '/dev/dri/renderD128';

function nvencOptions({ bits, keysSeconds }: Coding): string[] {
  return [
    ...['-c:v', 'h264_nvenc', '-profile:v', 'high', '-preset', 'p5', '-rc', 'vbr', '-cq', QUALITY, '-b:v', '0'],
    ...[...cappedAt(bits), ...IN_ORDER, '-forced-idr', '1', ...keysAt(keysSeconds)],
  ];
}

/** Its mode by name: without one a driver that knows no quality below a rate would take one that has no such rate. */
function vaapiOptions({ bits, keysSeconds }: Coding): string[] {
  const mean = String(Math.round(bits / 2));
  return [
    ...['-c:v', 'h264_vaapi', '-profile:v', 'high', '-rc_mode', 'QVBR', '-global_quality', QUALITY, '-b:v', mean],
    ...[...cappedAt(bits), ...IN_ORDER, ...keysAt(keysSeconds)],
  ];
}

const vaapiAt = (node: string, devices: string[]): Card => ({
  name: 'h264_vaapi',
  hardware: { devices, libraries: [] },
  opening: ['-vaapi_device', node],
  handOver: ['format=nv12', 'hwupload'],
  options: vaapiOptions,
});

/** An encoder that may work here, whether it has a device or not: only its test tells. */
export interface Candidate {
  encoder: Card;
  hasDevice: boolean;
}

/**
 * All that this machine may have, best first. Not among them: Quick Sync, which is the same circuits as VA-API by one library
 * more, and V4L2, whose devices keep no quality below a rate.
 */
export async function hardwareCandidates(): Promise<Candidate[]> {
  const [nvidia, libraries, nodes] = await Promise.all([nvidiaNodes(), driverLibraries(), renderNodes()]);
  const nvenc: Card = {
    name: 'h264_nvenc',
    hardware: { devices: nvidia, libraries },
    opening: [],
    handOver: [],
    options: nvencOptions,
  };
  const vaapi = nodes.length > 0 ? nodes.map((node) => vaapiAt(node, [node])) : [vaapiAt(FIRST_RENDER_NODE, [])];
  return [
    { encoder: nvenc, hasDevice: nvidia.length > 0 },
    ...vaapi.map((encoder) => ({ encoder, hasDevice: nodes.length > 0 })),
  ];
}
