import { codecFamily, offeredSound } from '../packager/offered-sound';
import type { Presentation, Track } from '../packager/presentation';
import { formatAttributes, quoted } from './attribute-list';

/** Media renditions that can stand for each other in every variant that names the group. */
export interface AudioGroup {
  id: string;
  tracks: Track[];
}

/** One group per codec, because a player drops a variant when it lacks one of the codecs it announces. */
export function groupAudio({ tracks }: Presentation): AudioGroup[] {
  const groups = new Map<string, AudioGroup>();
  for (const track of offeredSound(tracks)) {
    const id = `audio-${codecFamily(track.codec).toLowerCase()}`;
    const group = groups.get(id) ?? { id, tracks: [] };
    group.tracks.push(track);
    groups.set(id, group);
  }
  return [...groups.values()];
}

function uniqueName(name: string, taken: Set<string>): string {
  const { quoted: plain } = quoted(name);
  let candidate = plain;
  // RFC 8216 §4.3.4.1.1: members of a group differ in NAME.
  for (let count = 2; taken.has(candidate); count += 1) candidate = `${plain} (${count})`;
  taken.add(candidate);
  return candidate;
}

/** The EXT-X-MEDIA lines (RFC 8216 §4.3.4.1) of a group; the first track is the default. */
export function formatAudioGroup({ id, tracks }: AudioGroup): string[] {
  const taken = new Set<string>();
  return tracks.map((track, index) => {
    const attributes = formatAttributes({
      TYPE: 'AUDIO',
      'GROUP-ID': quoted(id),
      NAME: quoted(uniqueName(track.name, taken)),
      LANGUAGE: track.language === undefined ? undefined : quoted(track.language),
      DEFAULT: index === 0 ? 'YES' : 'NO',
      AUTOSELECT: 'YES',
      CHANNELS: track.channels === undefined ? undefined : quoted(String(track.channels)),
      URI: quoted(`${track.id}/media.m3u8`),
    });
    return `#EXT-X-MEDIA:${attributes}`;
  });
}
