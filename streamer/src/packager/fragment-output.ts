import {
  CmafOutputFormat,
  EncodedAudioPacketSource,
  type EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  type InputAudioTrack,
  type InputVideoTrack,
  Output,
} from 'mediabunny';
import { clearTimes } from './init-times';
import { PackagingError } from './packaging-error';
import { SegmentTarget } from './segment-target';

/** What was written for one run of packets. */
export interface FragmentBytes {
  initSegment: Buffer;
  mediaSegment: Buffer;
}

interface PacketSource {
  add(packet: EncodedPacket): Promise<void>;
}

export async function configOf<T>(read: Promise<T | null>): Promise<T> {
  const config = await read;
  if (config === null) throw new PackagingError('unsupported-codec', 'the track has no decoder configuration');
  return config;
}

/** Transport streams carry parameter sets in their key packets only; those of the first stand in the init segment. */
async function primingOf(
  track: InputVideoTrack | InputAudioTrack,
  config: { description?: unknown },
): Promise<{ primingPacket?: EncodedPacket }> {
  if (config.description) return {};
  const packet = await new EncodedPacketSink(track).getFirstKeyPacket();
  return packet ? { primingPacket: packet } : {};
}

async function addVideo(output: Output, track: InputVideoTrack): Promise<PacketSource> {
  const decoderConfig = await configOf(track.getDecoderConfig());
  const codec = await configOf(track.getCodec());
  const source = new EncodedVideoPacketSource(codec);
  output.addVideoTrack(source, {
    decoderConfig,
    ...(await primingOf(track, decoderConfig)),
    rotation: await track.getRotation(),
    flip: await track.getFlip(),
    languageCode: await track.getLanguageCode(),
  });
  return { add: (packet) => source.add(packet, { decoderConfig }) };
}

async function addAudio(output: Output, track: InputAudioTrack): Promise<PacketSource> {
  const decoderConfig = await configOf(track.getDecoderConfig());
  const codec = await configOf(track.getCodec());
  const source = new EncodedAudioPacketSource(codec);
  output.addAudioTrack(source, {
    decoderConfig,
    ...(await primingOf(track, decoderConfig)),
    languageCode: await track.getLanguageCode(),
  });
  return { add: (packet) => source.add(packet, { decoderConfig }) };
}

function taken({ written }: SegmentTarget): Buffer {
  if (written === null) throw new PackagingError('asset-unreadable', 'nothing could be written of the track');
  return written;
}

/** Copies `packets` of `track` into one fragment (ISO/IEC 23000-19 §7.3.2.3), each moved by `shiftSeconds`. */
export async function writeFragment(
  track: InputVideoTrack | InputAudioTrack,
  packets: AsyncIterable<EncodedPacket>,
  shiftSeconds: number,
): Promise<FragmentBytes> {
  const initTarget = new SegmentTarget();
  const target = new SegmentTarget();
  const output = new Output({ format: new CmafOutputFormat(), target, initTarget });
  try {
    const source = track.isVideoTrack()
      ? await addVideo(output, track)
      : await addAudio(output, track as InputAudioTrack);
    await output.start();
    for await (const packet of packets) {
      // Below zero the muxer would write an edit list that holds for one segment only; -0.00… is rounding.
      const timestamp = Math.max(0, packet.timestamp + shiftSeconds);
      target.expect(packet.byteLength);
      await source.add(timestamp === packet.timestamp ? packet : packet.clone({ timestamp }));
    }
    await output.finalize();
  } catch (error) {
    await output.cancel().catch(() => undefined);
    throw error;
  }
  const initSegment = taken(initTarget);
  clearTimes(initSegment);
  return { initSegment, mediaSegment: taken(target) };
}
