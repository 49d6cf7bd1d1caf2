import type { ExternalWorker } from '../../contracts';
import { createSightings } from './sightings';

export interface ExternalWorkersService {
  claimed(worker: string): void;
  /** The last to ask first. What this Strapi was asked; another node may know others. */
  seen(): ExternalWorker[];
}

/** Which ingest workers ask this Strapi for work. */
export function createExternalWorkersService(): ExternalWorkersService {
  const sightings = createSightings();
  return {
    claimed: sightings.add,
    seen: () =>
      sightings.list().map(({ bootId, secondsAgo }) => ({ boot: bootId.slice(0, 8), lastClaimSeconds: secondsAgo })),
  };
}
