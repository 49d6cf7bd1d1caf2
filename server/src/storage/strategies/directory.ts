import { assetName } from '../segment-name';
import type { StorageStrategy } from './strategy';

/** Two levels of directories by the first characters of the asset id: none grows large, however many films there are. */
export const directory: StorageStrategy = {
  keyOf({ assetId, fileName }, ordinal) {
    const shards = [assetId.slice(0, 2), assetId.slice(2, 4)].map((shard) => shard.padEnd(2, '_'));
    return ['library', ...shards, assetName(assetId, fileName, ordinal)].join('/');
  },
};
