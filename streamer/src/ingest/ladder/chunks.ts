import type { Chunk } from './rung-plan';

/** What a worker that is killed loses at most is the time it takes to encode about as much. */
const MIN_CHUNK_SECONDS = 10;
/** Where a segment of the source is longer, its renditions have further key pictures: to jump to, and to be cut at. */
const LONGEST_KEY_GAP_SECONDS = 12;
const KEY_SECONDS = 6;

export interface Part {
  startSeconds: number;
  durationSeconds: number;
  /** Of the first picture in the order of decoding. */
  packetSeconds: number;
}

function keysWithin({ startSeconds, durationSeconds }: Part): number[] {
  if (durationSeconds <= LONGEST_KEY_GAP_SECONDS) return [startSeconds];
  const keys: number[] = [];
  for (let at = 0; durationSeconds - at >= KEY_SECONDS; at += KEY_SECONDS) keys.push(startSeconds + at);
  return keys;
}

/**
 * Chunks of whole segments. The same for every rung of a film, key pictures included: all are cut alike then, whichever of
 * them a viewer may have. `leadSegments`: so many segments earlier decoding begins, where a film cannot be entered at a picture.
 */
export function chunksOf(parts: readonly Part[], leadSegments: number): Chunk[] {
  const chunks: Chunk[] = [];
  let first = 0;
  for (let next = 1; next <= parts.length; next += 1) {
    const [start, end] = [parts[first], parts[next]];
    if (start === undefined) break;
    if (end !== undefined && end.startSeconds - start.startSeconds < MIN_CHUNK_SECONDS) continue;
    chunks.push({
      startSeconds: start.startSeconds,
      stopSeconds: end?.startSeconds ?? null,
      keysSeconds: parts.slice(first, next).flatMap(keysWithin),
      seekSeconds: first - leadSegments > 0 ? (parts[first - leadSegments]?.packetSeconds ?? null) : null,
      beginsWithPicture: true,
    });
    first = next;
  }
  return chunks;
}
