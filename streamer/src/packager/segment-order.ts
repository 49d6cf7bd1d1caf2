import type { PacketSpan } from './packet-span';
import type { TrackPlan } from './track-plan';

/** What to cut out of a film. */
export interface SegmentOrder {
  /** An init segment is written from the first packet of `span`. */
  part: 'init' | 'media';
  span: PacketSpan;
  shiftSeconds: number;
}

/** Number 0 is the init segment that all segments of the track share; the others are known to exist. */
export function orderSegment(plan: TrackPlan, number: number): SegmentOrder {
  const { track, inputTrackId, packetSeconds, shiftSeconds } = plan;
  const span = {
    kind: track.kind,
    inputTrackId,
    startSeconds: packetSeconds[Math.max(0, number - 1)] ?? Number.NaN,
    stopSeconds: packetSeconds[number] ?? null,
  };
  return { part: number === 0 ? 'init' : 'media', span, shiftSeconds };
}
