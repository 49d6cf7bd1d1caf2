import { type AddressedResource, formatDeliveryPath, type PlaybackTokenAnswer } from '../../contracts';
import type { Allowance } from './entitlement/decision';

const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

export interface PlaybackAddresses {
  /** Where HTTP reaches the streamer; no trailing slash. */
  base: string;
  /** Where RTMP does; null: nowhere that this caller could reach. */
  rtmpBase: string | null;
  video: string;
  token: string;
}

export interface RtmpPlaces {
  publicUrl: string | undefined;
  /** What the streamer was told to listen on. */
  host: string;
  /** Of its plain RTMP now; null: it serves none. */
  port: number | null;
  requestOrigin: string;
}

/** Where a viewer of `requestOrigin` reaches RTMP: at the configured place, or on loopback if that is where the viewer is. */
export function rtmpBaseUrl({ publicUrl, host, port, requestOrigin }: RtmpPlaces): string | null {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '');
  if (port === null || !LOOPBACK_HOSTS.has(new URL(requestOrigin).hostname)) return null;
  if (host === '::1' || host === '[::1]') return `rtmp://[::1]:${port}`;
  return ['127.0.0.1', 'localhost', '0.0.0.0', '::'].includes(host) ? `rtmp://127.0.0.1:${port}` : null;
}

/** The addresses of all that `allowance` grants. */
export function playbackUrls(
  { base, rtmpBase, video, token }: PlaybackAddresses,
  allowance: Allowance,
): PlaybackTokenAnswer['data']['urls'] {
  const url = (resource: AddressedResource) => base + formatDeliveryPath(token, resource);
  const { protocols, download } = allowance;
  return {
    ...(protocols.includes('hls') && { hls: url({ kind: 'multivariant-playlist' }) }),
    ...(protocols.includes('dash') && { dash: url({ kind: 'manifest' }) }),
    ...(protocols.includes('mp4') && { mp4: url({ kind: 'progressive' }) }),
    ...(protocols.includes('http-flv') && { httpFlv: url({ kind: 'flv', transport: 'http' }) }),
    ...(protocols.includes('ws-flv') && { wsFlv: url({ kind: 'flv', transport: 'ws' }).replace(/^http/, 'ws') }),
    ...(protocols.includes('rtmp') && rtmpBase !== null && { rtmp: `${rtmpBase}/vod/${video}?token=${token}` }),
    ...(download && { download: url({ kind: 'download' }) }),
  };
}
