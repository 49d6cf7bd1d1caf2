import {
  type EncodedPacket,
  EncodedPacketSink,
  type InputAudioTrack,
  type InputVideoTrack,
  type PacketRetrievalOptions,
} from 'mediabunny';
import type { Film } from './film';
import { type FragmentBytes, writeFragment } from './fragment-output';
import { PackagingError } from './packaging-error';
import { TIME_TOLERANCE_SECONDS } from './packet-search';
import type { TrackPlan } from './track-plan';

async function inputTrackOf(film: Film, plan: TrackPlan): Promise<InputVideoTrack | InputAudioTrack> {
  const tracks = plan.track.kind === 'video' ? await film.input.getVideoTracks() : await film.input.getAudioTracks();
  const track = tracks.find(({ id }) => id === plan.inputTrackId);
  if (!track) throw new PackagingError('asset-unreadable', 'a planned track is gone');
  return track;
}

interface PacketFinder {
  sink: EncodedPacketSink;
  kind: 'video' | 'audio';
}

async function packetAt(
  { sink, kind }: PacketFinder,
  seconds: number,
  options: PacketRetrievalOptions = {},
): Promise<EncodedPacket> {
  const near = seconds + TIME_TOLERANCE_SECONDS;
  const packet = await (kind === 'video' ? sink.getKeyPacket(near, options) : sink.getPacket(near, options));
  if (packet === null || Math.abs(packet.timestamp - seconds) > TIME_TOLERANCE_SECONDS) {
    throw new PackagingError('asset-unreadable', 'the film no longer has a packet where it was cut');
  }
  return packet;
}

/** Cuts segment `number` (from 1, known to exist) of a planned track out of the film the plan was made from. */
export async function cutSegment(film: Film, plan: TrackPlan, number: number): Promise<Buffer> {
  const inputTrack = await inputTrackOf(film, plan);
  const finder = { sink: new EncodedPacketSink(inputTrack), kind: plan.track.kind };
  const startSeconds = plan.packetSeconds[number - 1] ?? Number.NaN;
  const stopSeconds = plan.packetSeconds[number];
  const start = await packetAt(finder, startSeconds);
  const stop = stopSeconds === undefined ? undefined : await packetAt(finder, stopSeconds, { metadataOnly: true });
  const { mediaSegment } = await writeFragment(inputTrack, finder.sink.packets(start, stop), plan.shiftSeconds);
  return mediaSegment;
}

async function* only(packet: EncodedPacket): AsyncGenerator<EncodedPacket> {
  yield packet;
}

/** Writes the init segment that all segments of a planned track share. */
export async function cutInitSegment(film: Film, plan: TrackPlan): Promise<Buffer> {
  const inputTrack = await inputTrackOf(film, plan);
  const finder = { sink: new EncodedPacketSink(inputTrack), kind: plan.track.kind };
  const first = await packetAt(finder, plan.packetSeconds[0] ?? Number.NaN);
  const written: FragmentBytes = await writeFragment(inputTrack, only(first), plan.shiftSeconds);
  return written.initSegment;
}
