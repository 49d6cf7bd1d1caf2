import { LRUCache } from 'lru-cache';
import type { ExternalWorker, IngestLayer } from '../../contracts';
import { createSightings } from './sightings';

const MAX_KEPT = 1000;

export interface ExternalWorkersService {
  /** `unconfined`: what it says does not stand around its ffmpeg. */
  claimed(worker: string, unconfined?: readonly IngestLayer[]): void;
  /** All but the one that this Strapi runs, the last to ask first. What this Strapi was asked; another node may know others. */
  seen(managed: string | null): ExternalWorker[];
  /** Of all that were seen, those that Strapi runs among them; null: none has told. */
  unconfined(): IngestLayer[] | null;
}

/** Which ingest workers ask this Strapi for work. */
export function createExternalWorkersService(): ExternalWorkersService {
  const sightings = createSightings();
  const told = new LRUCache<string, readonly IngestLayer[]>({ max: MAX_KEPT });
  return {
    claimed(worker, unconfined) {
      sightings.add(worker);
      if (unconfined === undefined) told.delete(worker);
      else told.set(worker, unconfined);
    },
    seen: (managed) =>
      sightings
        .list()
        .filter(({ bootId }) => bootId !== managed)
        .map(({ bootId, secondsAgo }) => ({ boot: bootId.slice(0, 8), lastClaimSeconds: secondsAgo })),
    unconfined() {
      const lists = sightings.list().flatMap(({ bootId }) => [told.get(bootId) ?? []].filter(() => told.has(bootId)));
      return lists.length === 0 ? null : [...new Set(lists.flat())];
    },
  };
}
