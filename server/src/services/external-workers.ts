import { LRUCache } from 'lru-cache';
import type { EncoderReport, ExternalWorker, IngestLayer } from '../../contracts';
import { createSightings } from './sightings';

const MAX_KEPT = 1000;

/** What a worker says of its ffmpeg. */
export interface ToldByWorker {
  /** What does not stand around it. */
  unconfined?: readonly IngestLayer[] | undefined;
  encoder?: EncoderReport | undefined;
}

export interface ExternalWorkersService {
  claimed(worker: string, told: ToldByWorker): void;
  /** All but the one that this Strapi runs, the last to ask first. What this Strapi was asked; another node may know others. */
  seen(managed: string | null): ExternalWorker[];
  /** Of all that were seen, those that Strapi runs among them; null: none has told. */
  unconfined(): IngestLayer[] | null;
  /** Of all that were seen and have told, the last to ask first. */
  encoders(): EncoderReport[];
}

/** Which ingest workers ask this Strapi for work. */
export function createExternalWorkersService(): ExternalWorkersService {
  const sightings = createSightings();
  const told = new LRUCache<string, ToldByWorker>({ max: MAX_KEPT });
  const toldBySeen = () => sightings.list().map(({ bootId }) => told.get(bootId) ?? {});
  return {
    claimed(worker, { unconfined, encoder }) {
      sightings.add(worker);
      told.set(worker, { unconfined, encoder });
    },
    seen: (managed) =>
      sightings
        .list()
        .filter(({ bootId }) => bootId !== managed)
        .map(({ bootId, secondsAgo }) => ({ boot: bootId.slice(0, 8), lastClaimSeconds: secondsAgo })),
    unconfined() {
      const lists = toldBySeen().flatMap(({ unconfined }) => (unconfined === undefined ? [] : [unconfined]));
      return lists.length === 0 ? null : [...new Set(lists.flat())];
    },
    encoders: () => toldBySeen().flatMap(({ encoder }) => (encoder === undefined ? [] : [encoder])),
  };
}
