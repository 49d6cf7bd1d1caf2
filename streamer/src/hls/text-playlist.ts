import { type Cue, formatWebVtt } from '../../../server/contracts';

/** Long, because they are small: a player that seeks loads one of them, and a film of two hours has 120. */
const SEGMENT_SECONDS = 60;

/** The mapping that a player assumes without one, said for those that want it said (RFC 8216 §3.5): films begin at 0. */
const TIMESTAMP_MAP = 'X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0';

export function textSegmentCount(durationSeconds: number): number {
  return Math.max(1, Math.ceil(durationSeconds / SEGMENT_SECONDS));
}

/**
 * The media playlist of a text track: `{n}.vtt` lie beside it. It names no key, also where the segments of picture and sound are
 * encrypted: RFC 8216 §4.3.2.4 has it for any segment, but few players decrypt WebVTT, and what keys are for (segments from a cache
 * must be useless) is met otherwise, for no cache may keep a text.
 */
export function formatTextPlaylist(durationSeconds: number): string {
  const count = textSegmentCount(durationSeconds);
  const last = Math.max(0.001, durationSeconds - (count - 1) * SEGMENT_SECONDS);
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    // RFC 8216 §4.3.3.1: an integer that no rounded EXTINF exceeds.
    `#EXT-X-TARGETDURATION:${count > 1 ? SEGMENT_SECONDS : Math.max(1, Math.ceil(last))}`,
    '#EXT-X-MEDIA-SEQUENCE:1',
    '#EXT-X-PLAYLIST-TYPE:VOD',
  ];
  for (let number = 1; number <= count; number += 1) {
    lines.push(`#EXTINF:${(number < count ? SEGMENT_SECONDS : last).toFixed(3)},`, `${number}.vtt`);
  }
  return `${[...lines, '#EXT-X-ENDLIST'].join('\n')}\n`;
}

/**
 * One segment (RFC 8216 §3.5): all cues that are shown at some time of it, each with its whole time. The last one also has what a
 * film that is shorter than its text never shows. `number` from 1.
 */
export function formatTextSegment(cues: readonly Cue[], number: number, count: number): string {
  const fromMs = (number - 1) * SEGMENT_SECONDS * 1000;
  const untilMs = number === count ? Number.POSITIVE_INFINITY : fromMs + SEGMENT_SECONDS * 1000;
  const shown = cues.filter(({ startMs, endMs }) => startMs < untilMs && endMs > fromMs);
  return formatWebVtt(shown, [TIMESTAMP_MAP]);
}
