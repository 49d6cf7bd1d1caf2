import { entryName, segmentName } from '../segment-name';
import type { StorageStrategy } from './strategy';
import { keyInTree } from './tree';

/** The tree of the Media Library, and in it a folder for each film, so that every film keeps its own name exactly. */
export const site1: StorageStrategy = {
  keyOf: ({ folders, fileName }, ordinal) => keyInTree(folders, [entryName(fileName, ordinal), segmentName(fileName)]),
};
