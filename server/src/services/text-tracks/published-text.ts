import {
  formatWebVtt,
  isWebVtt,
  MAX_TEXT_BYTES,
  publishedCues,
  readWebVttCues,
  type TextProblem,
  type TextTrackKind,
} from '../../../contracts';
import { readSubRipCues } from './subrip';

function decode(bytes: Buffer): string | null {
  try {
    // Takes a byte order mark off, and fails where it is not UTF-8.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** What is stored and published of an uploaded text, WebVTT or SubRip: read and written anew (S25), or why it is not taken. */
export function publishText(bytes: Buffer, kind: TextTrackKind): { webVtt: Buffer } | { problem: TextProblem } {
  if (bytes.byteLength > MAX_TEXT_BYTES) return { problem: { code: 'text-too-large', line: null } };
  const text = decode(bytes);
  // No text has a NUL; UTF-16 without a mark has many.
  if (text === null || text.includes('\0')) return { problem: { code: 'text-not-utf8', line: null } };
  const read = isWebVtt(text) ? readWebVttCues(text) : readSubRipCues(text);
  if ('problem' in read) return read;
  const published = publishedCues(read.cues, kind);
  return 'problem' in published ? published : { webVtt: Buffer.from(formatWebVtt(published.cues)) };
}
