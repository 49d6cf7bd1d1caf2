import { LRUCache } from 'lru-cache';
import type { SyncedStreamer } from '../../contracts';

const MAX_STREAMERS = 1000;
/** A streamer that is silent for longer is no longer told of. */
const FORGET_AFTER_MS = 10 * 60 * 1000;

export interface ExternalStreamersService {
  synced(bootId: string, version?: string): void;
  /** It said that it ends. */
  left(bootId: string): void;
  /** The last to sync first. What this Strapi was told; another node may know others. */
  seen(): SyncedStreamer[];
}

/** Which streamers this Strapi hears of: of those that it does not run, it can know no more. */
export function createExternalStreamersService(): ExternalStreamersService {
  const syncs = new LRUCache<string, { at: number; version: string | null }>({ max: MAX_STREAMERS });
  return {
    synced: (bootId, version) => void syncs.set(bootId, { at: performance.now(), version: version ?? null }),
    left: (bootId) => void syncs.delete(bootId),
    seen() {
      const now = performance.now();
      return [...syncs.entries()]
        .map(([bootId, { at, version }]) => ({ boot: bootId.slice(0, 8), lastSyncSeconds: (now - at) / 1000, version }))
        .filter(({ lastSyncSeconds }) => lastSyncSeconds * 1000 < FORGET_AFTER_MS);
    },
  };
}
