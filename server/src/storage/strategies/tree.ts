import { MAX_FILM_KEY, segmentName } from '../segment-name';

const MAX_FOLDERS = 16;

/** The key of `names` below the tree of `folders`. What does not fit into a key is left out, the deepest folder first. */
export function keyInTree(folders: readonly string[], names: readonly string[]): string {
  const segments = ['library'];
  let length = ['library', ...names].join('/').length;
  for (const folder of folders.slice(0, MAX_FOLDERS)) {
    const name = segmentName(folder);
    length += name.length + 1;
    if (length > MAX_FILM_KEY) break;
    segments.push(name);
  }
  return [...segments, ...names].join('/');
}
