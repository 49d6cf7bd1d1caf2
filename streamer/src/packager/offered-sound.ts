import type { Track } from './presentation';

/** `mp4a.40.2` → `mp4a`. */
export function codecFamily(codec: string): string {
  return codec.split('.')[0] ?? codec;
}

/**
 * The sound that viewers are offered: all of the first rendition that has any, because the others carry the same; and of a kind
 * of coding that it lacks that of the next one that has it, for players that cannot decode the first.
 */
export function offeredSound(tracks: readonly Track[]): Track[] {
  const renditionOf = new Map<string, string>();
  return tracks.filter(({ kind, codec, rendition }) => {
    if (kind !== 'audio') return false;
    const family = codecFamily(codec);
    const isFirst = tracks.find((track) => track.kind === 'audio')?.rendition === rendition;
    if (isFirst || !renditionOf.has(family)) renditionOf.set(family, rendition);
    return renditionOf.get(family) === rendition;
  });
}
