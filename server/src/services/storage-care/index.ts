import type { Core } from '@strapi/strapi';
import type { StrategyName } from '../../storage/strategies';
import { type MoveEvent, migrate } from './migrate';
import { readStats, type StorageStats } from './stats';
import { type Finding, type VerifyOptions, verify } from './verify';
import { type FilmPlaceAnswer, findPlaces } from './where';

/** What `protected-vod storage …` does. What changes the library as a whole holds its lock, on all machines. */
export interface StorageCareService {
  stats(): Promise<StorageStats>;
  where(documentId: string): Promise<FilmPlaceAnswer[]>;
  verify(options: VerifyOptions): AsyncGenerator<Finding>;
  migrate(to: StrategyName): AsyncGenerator<MoveEvent>;
}

export function createStorageCareService({ strapi }: { strapi: Core.Strapi }): StorageCareService {
  return {
    stats: () => readStats(strapi),
    where: (documentId) => findPlaces(strapi, documentId),
    verify: (options) => verify(strapi, options),
    migrate: (to) => migrate(strapi, to),
  };
}
