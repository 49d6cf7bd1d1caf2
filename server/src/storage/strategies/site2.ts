import { segmentName } from '../segment-name';
import type { StorageStrategy } from './strategy';
import { keyInTree } from './tree';

/** The tree of the Media Library: a film lies in its folder, under its own name. */
export const site2: StorageStrategy = {
  keyOf: ({ folders, fileName }, ordinal) => keyInTree(folders, [segmentName(fileName, ordinal)]),
};
