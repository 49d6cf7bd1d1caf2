import { LRUCache } from 'lru-cache';
import type { SyncedStreamer } from '../../contracts';
import { createSightings } from './sightings';

const MAX_STREAMERS = 1000;

export interface ExternalStreamersService {
  synced(bootId: string, version?: string): void;
  /** It said that it ends. */
  left(bootId: string): void;
  /** The last to sync first. What this Strapi was told; another node may know others. */
  seen(): SyncedStreamer[];
}

/** Which streamers this Strapi hears of: of those that it does not run, it can know no more. */
export function createExternalStreamersService(): ExternalStreamersService {
  const sightings = createSightings();
  const versions = new LRUCache<string, string>({ max: MAX_STREAMERS });
  return {
    synced(bootId, version) {
      sightings.add(bootId);
      if (version !== undefined) versions.set(bootId, version);
    },
    left: sightings.remove,
    seen: () =>
      sightings.list().map(({ bootId, secondsAgo: lastSyncSeconds }) => {
        return { boot: bootId.slice(0, 8), lastSyncSeconds, version: versions.peek(bootId) ?? null };
      }),
  };
}
