import type { Core } from '@strapi/strapi';
import type { StrategyName } from '../../storage/strategies';
import { getService } from '../get-service';
import { type MoveEvent, migrate } from './migrate';
import { type RebuildEvent, rebuild } from './rebuild';
import { type RepairEvent, repair } from './repair';
import { readStats, type StorageStats } from './stats';
import { listTrash, type TrashedFilm } from './trashed';
import { type Finding, type VerifyOptions, verify } from './verify';
import { type FilmPlaceAnswer, findPlaces } from './where';

/** What `protected-vod storage …` does. What changes the library as a whole holds its lock, on all machines. */
export interface StorageCareService {
  stats(): Promise<StorageStats>;
  where(documentId: string): Promise<FilmPlaceAnswer[]>;
  verify(options: VerifyOptions): AsyncGenerator<Finding>;
  migrate(to: StrategyName): AsyncGenerator<MoveEvent>;
  repair(options: VerifyOptions): AsyncGenerator<RepairEvent>;
  rebuild(): AsyncGenerator<RebuildEvent>;
  listTrash(): Promise<TrashedFilm[]>;
  /** Throws `asset-missing`, `storage-missing`, `storage-name-taken`. */
  restore(assetId: string): Promise<void>;
}

export function createStorageCareService({ strapi }: { strapi: Core.Strapi }): StorageCareService {
  return {
    stats: () => readStats(strapi),
    where: (documentId) => findPlaces(strapi, documentId),
    verify: (options) => verify(strapi, options),
    migrate: (to) => migrate(strapi, to),
    repair: (options) => repair(strapi, options),
    rebuild: () => rebuild(strapi),
    listTrash: () => listTrash(strapi),
    async restore(assetId) {
      await getService(strapi, 'asset').restore(assetId);
    },
  };
}
