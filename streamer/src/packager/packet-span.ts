import {
  type EncodedPacket,
  EncodedPacketSink,
  type InputAudioTrack,
  type InputVideoTrack,
  type PacketRetrievalOptions,
} from 'mediabunny';
import type { Film } from './film';
import { PackagingError } from './packaging-error';
import { TIME_TOLERANCE_SECONDS } from './packet-search';

/** Packets of one track in decode order, by the film time of the first one and of the one after the last. */
export interface PacketSpan {
  kind: 'video' | 'audio';
  inputTrackId: number;
  startSeconds: number;
  /** Null: to the end of the track. */
  stopSeconds: number | null;
}

export interface SpannedTrack {
  inputTrack: InputVideoTrack | InputAudioTrack;
  sink: EncodedPacketSink;
}

/** Throws PackagingError `asset-unreadable` when the film has no such track. */
export async function findTrack(film: Film, { kind, inputTrackId }: PacketSpan): Promise<SpannedTrack> {
  const tracks = kind === 'video' ? await film.input.getVideoTracks() : await film.input.getAudioTracks();
  const inputTrack = tracks.find(({ id }) => id === inputTrackId);
  if (!inputTrack) throw new PackagingError('asset-unreadable', 'a planned track is gone');
  return { inputTrack, sink: new EncodedPacketSink(inputTrack) };
}

async function packetAt(
  { inputTrack, sink }: SpannedTrack,
  seconds: number,
  options: PacketRetrievalOptions = {},
): Promise<EncodedPacket> {
  const near = seconds + TIME_TOLERANCE_SECONDS;
  const packet = await (inputTrack.isVideoTrack() ? sink.getKeyPacket(near, options) : sink.getPacket(near, options));
  if (packet === null || Math.abs(packet.timestamp - seconds) > TIME_TOLERANCE_SECONDS) {
    throw new PackagingError('asset-unreadable', 'the film no longer has a packet where it was cut');
  }
  return packet;
}

/** The packet that a span begins with. */
export function firstOf(track: SpannedTrack, span: PacketSpan): Promise<EncodedPacket> {
  return packetAt(track, span.startSeconds);
}

/** All packets of a span, one after the other, with their data. */
export async function* packetsOf(track: SpannedTrack, span: PacketSpan): AsyncGenerator<EncodedPacket> {
  const start = await firstOf(track, span);
  const stop = span.stopSeconds === null ? undefined : await packetAt(track, span.stopSeconds, { metadataOnly: true });
  yield* track.sink.packets(start, stop);
}
