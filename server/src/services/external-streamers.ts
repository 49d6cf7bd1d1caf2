import type { ExternalStreamer } from '../../contracts';
import { createSightings } from './sightings';

export interface ExternalStreamersService {
  synced(bootId: string): void;
  /** It said that it ends. */
  left(bootId: string): void;
  /** The last to sync first. What this Strapi was told; another node may know others. */
  seen(): ExternalStreamer[];
}

/** Which streamers this Strapi hears of: of those that it does not run, it can know no more. */
export function createExternalStreamersService(): ExternalStreamersService {
  const sightings = createSightings();
  return {
    synced: sightings.add,
    left: sightings.remove,
    seen: () => sightings.list().map(({ boot, secondsAgo: lastSyncSeconds }) => ({ boot, lastSyncSeconds })),
  };
}
