import { LRUCache } from 'lru-cache';

const MAX_KEPT = 1000;
/** What is silent for longer is no longer told of. */
const FORGET_AFTER_MS = 10 * 60 * 1000;

export interface Sighting {
  bootId: string;
  secondsAgo: number;
}

/** Processes that Strapi does not run, and knows by their requests alone. */
export interface Sightings {
  add(bootId: string): void;
  remove(bootId: string): void;
  /** The last one first. */
  list(): Sighting[];
}

export function createSightings(): Sightings {
  const seen = new LRUCache<string, number>({ max: MAX_KEPT });
  return {
    add: (bootId) => void seen.set(bootId, performance.now()),
    remove: (bootId) => void seen.delete(bootId),
    list() {
      const now = performance.now();
      return [...seen.entries()]
        .map(([bootId, at]) => ({ bootId, secondsAgo: (now - at) / 1000 }))
        .filter(({ secondsAgo }) => secondsAgo * 1000 < FORGET_AFTER_MS);
    },
  };
}
