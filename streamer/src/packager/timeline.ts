import type { EncodedPacket, EncodedPacketSink } from 'mediabunny';
import { PackagingError } from './packaging-error';
import { firstKeyFrom, firstPacketFrom, leadingStart, TIME_TOLERANCE_SECONDS } from './packet-search';

const TARGET_SECONDS = 6;
/** A shorter tail costs a request for next to nothing, and players stumble over tiny last segments. */
const MIN_TAIL_SECONDS = 1;

/** 83 hours of 6 s: beyond it a film's tables are made up, and following them would only cost time. */
const MAX_SEGMENTS = 50_000;

/** Where a segment begins, in the film's own time. */
export interface Cut {
  /** Time of the first packet in decode order: what to look up to find it again. */
  packetSeconds: number;
  /** Time of the first packet in presentation order: where the segment starts for a player. */
  startSeconds: number;
}

export interface CutTrack {
  cuts: Cut[];
  endSeconds: number;
}

async function endOf(sink: EncodedPacketSink): Promise<number> {
  // With data: the sample tables of a truncated film promise packets whose bytes are not there.
  const last = await sink.getPacket(Number.POSITIVE_INFINITY);
  if (last === null) throw new PackagingError('asset-unreadable', 'the film is truncated');
  return last.timestamp + last.duration;
}

function addCut(cuts: Cut[], cut: Cut): void {
  if (cuts.length >= MAX_SEGMENTS) throw new PackagingError('asset-unreadable', 'the film has too many segments');
  cuts.push(cut);
}

function mergeTail(cuts: Cut[], endSeconds: number): CutTrack {
  const last = cuts.at(-1);
  if (cuts.length > 1 && last && endSeconds - last.startSeconds < MIN_TAIL_SECONDS) cuts.pop();
  return { cuts, endSeconds };
}

async function cutAt(sink: EncodedPacketSink, key: EncodedPacket): Promise<Cut> {
  return { packetSeconds: key.timestamp, startSeconds: await leadingStart(sink, key) };
}

/**
 * Cuts a video track at the first key picture 6 s or more after the last cut, so every segment starts with one (ISO/IEC
 * 23000-19 §7.3.2.3). `guide` are the later cuts of another rendition, on the common timeline: then the cuts are the key pictures nearest at or after
 * those, and renditions that have key pictures there can be switched at every boundary. Null: no key picture at all.
 */
export async function cutVideo(sink: EncodedPacketSink, guide?: readonly number[]): Promise<CutTrack | null> {
  let key = await sink.getFirstKeyPacket({ metadataOnly: true });
  if (key === null) return null;
  const endSeconds = await endOf(sink);
  const first = await cutAt(sink, key);
  const cuts = [first];
  const originSeconds = Math.min(first.startSeconds, 0);
  const guided = guide?.map((seconds) => seconds + originSeconds);
  for (let index = 0; ; index += 1) {
    const target = guided ? guided[index] : key.timestamp + TARGET_SECONDS;
    if (target === undefined) break;
    const next = await firstKeyFrom(sink, target);
    if (next === null) break;
    if (next.timestamp <= key.timestamp) continue;
    addCut(cuts, await cutAt(sink, next));
    key = next;
  }
  return mergeTail(cuts, endSeconds);
}

/** The next time to cut after `last`. Where there is no picture, or none any more, time alone decides. */
function audioBoundary(starts: readonly number[], video: CutTrack | null, last: number): number {
  const picture = starts.find((seconds) => seconds > last + TIME_TOLERANCE_SECONDS);
  if (picture !== undefined) return picture;
  return video && video.endSeconds > last ? video.endSeconds : last + TARGET_SECONDS;
}

/**
 * Cuts an audio track at the first packet at or after each cut of `video`, or every 6 s when there is none. Packets before
 * `originSeconds` are left out: they are encoder delay, and no player takes negative times. Null: no packets left.
 */
export async function cutAudio(
  sink: EncodedPacketSink,
  video: CutTrack | null,
  originSeconds: number,
): Promise<CutTrack | null> {
  const first = await firstPacketFrom(sink, originSeconds);
  if (first === null) return null;
  const endSeconds = await endOf(sink);
  const cuts: Cut[] = [{ packetSeconds: first.timestamp, startSeconds: first.timestamp }];
  // Without the first: sound that sets in before the picture belongs to the first segment.
  const starts = video?.cuts.slice(1).map((cut) => cut.startSeconds) ?? [];
  for (let last = first.timestamp; ; ) {
    const boundary = audioBoundary(starts, video, last);
    const packet = boundary < endSeconds ? await firstPacketFrom(sink, boundary) : null;
    if (packet === null) break;
    last = packet.timestamp;
    addCut(cuts, { packetSeconds: last, startSeconds: last });
  }
  return mergeTail(cuts, endSeconds);
}
