import type { Asset } from './asset';

/** The shorter side of the largest picture, as it is shown; 0: sound alone; null: not known, as of a film without a known track. */
export function shortSideOf(tracks: Asset['tracks']): number | null {
  if (!tracks || tracks.length === 0) return null;
  const pictures = tracks.filter(({ kind }) => kind === 'video');
  const sides = pictures.flatMap(({ width, height }) =>
    width === undefined || height === undefined ? [] : Math.min(width, height),
  );
  return sides.length === pictures.length ? Math.max(0, ...sides) : null;
}
