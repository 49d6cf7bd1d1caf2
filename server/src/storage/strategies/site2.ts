import { segmentName } from '../segment-name';
import type { StorageStrategy } from './strategy';

const MAX_FOLDERS = 16;
const MAX_FOLDER_BYTES = 700;

/** Folders whose names together fit a storage key beside the file's own name; the deepest are left out first. */
function fittingFolders(folders: readonly string[]): string[] {
  const fitting: string[] = [];
  let bytes = 0;
  for (const folder of folders.slice(0, MAX_FOLDERS)) {
    const name = segmentName(folder);
    bytes += Buffer.byteLength(name) + 1;
    if (bytes > MAX_FOLDER_BYTES) break;
    fitting.push(name);
  }
  return fitting;
}

/** The tree of the Media Library: a film lies in its folder, under its own name. */
export const site2: StorageStrategy = {
  keyOf: (place, ordinal) =>
    ['library', ...fittingFolders(place.folders), segmentName(place.fileName, ordinal)].join('/'),
};
