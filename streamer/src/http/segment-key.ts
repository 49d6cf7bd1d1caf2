import type { TrackKeys } from '../hls/segment-keys';
import type { Presentation } from '../packager/presentation';
import { NO_STORE } from './security-headers';
import type { BufferAnswer } from './send-buffer';

/** A key as RFC 8216 §4.3.2.4 has it delivered: its 16 octets. Null: the presentation has no such track, or the track no such key. */
export function keyAnswerOf(
  presentation: Presentation,
  { track, number }: { track: string; number: number },
  keys: TrackKeys,
): BufferAnswer | null {
  const segments = presentation.tracks.find(({ id }) => id === track)?.segments.length ?? 0;
  if (number > keys.keyNumberOf(segments)) return null;
  const { key, etagOf } = keys.key(number);
  return { bytes: key, representation: { mime: 'application/octet-stream', etag: etagOf(''), cacheControl: NO_STORE } };
}
