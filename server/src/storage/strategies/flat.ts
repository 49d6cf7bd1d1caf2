import { assetName } from '../segment-name';
import type { StorageStrategy } from './strategy';

/** All films in one directory, named by their asset ids. */
export const flat: StorageStrategy = {
  keyOf: ({ assetId, fileName }, ordinal) => `library/${assetName(assetId, fileName, ordinal)}`,
};
