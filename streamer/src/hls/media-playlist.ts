import type { TimelineSegment, Track } from '../packager/presentation';
import { formatAttributes, quoted } from './attribute-list';
import type { TrackKeys } from './segment-keys';

const MICROSECONDS = 1e6;

/** Differences of rounded times, not rounded differences: the sum over a long film stays exact. */
function extinf({ startSeconds, durationSeconds }: TimelineSegment): string {
  const start = Math.round(startSeconds * MICROSECONDS);
  const end = Math.round((startSeconds + durationSeconds) * MICROSECONDS);
  return ((end - start) / MICROSECONDS).toFixed(6);
}

/** RFC 8216 §4.3.2.4: holds for the segments that follow, up to the next. */
function formatKey(keys: TrackKeys, number: number): string {
  const iv = `0x${keys.key(number).iv.toString('hex')}`;
  return `#EXT-X-KEY:${formatAttributes({ METHOD: 'AES-128', URI: quoted(`key/${number}.key`), IV: iv })}`;
}

function formatSegment(segment: TimelineSegment, number: number, keys: TrackKeys | null): string[] {
  const lines = [`#EXTINF:${extinf(segment)},`, `${number}.m4s`];
  const beginsKey = keys !== null && (number - 1) % keys.segmentsPerKey === 0;
  return beginsKey ? [formatKey(keys, keys.keyNumberOf(number)), ...lines] : lines;
}

/**
 * The media playlist (RFC 8216 §4.3.3) of one track, complete from the start. Its URIs are relative: `init.mp4` and
 * `{n}.m4s` lie beside it, whatever credential it is asked for under. `keys`: its segments are encrypted with them.
 */
export function formatMediaPlaylist(track: Track, keys: TrackKeys | null = null): string {
  const longest = Math.max(0, ...track.segments.map((segment) => segment.durationSeconds));
  const lines = [
    '#EXTM3U',
    // RFC 8216 §7: EXT-X-MAP outside of I-frame playlists needs 6; fMP4 authoring rules ask for 7.
    '#EXT-X-VERSION:7',
    // RFC 8216 §4.3.3.1: an integer that no rounded EXTINF exceeds.
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.ceil(longest))}`,
    '#EXT-X-MEDIA-SEQUENCE:1',
    // RFC 8216 §4.3.3.5: VOD, the playlist never changes.
    '#EXT-X-PLAYLIST-TYPE:VOD',
    ...(track.independent === false ? [] : ['#EXT-X-INDEPENDENT-SEGMENTS']),
    // RFC 8216 §4.3.2.5: applies to every segment that follows. Before any key, so it is never encrypted (§4.3.2.4): it holds no
    // picture and no sound, and not every player decrypts one.
    '#EXT-X-MAP:URI="init.mp4"',
    ...track.segments.flatMap((segment, index) => formatSegment(segment, index + 1, keys)),
    '#EXT-X-ENDLIST',
  ];
  return `${lines.join('\n')}\n`;
}
