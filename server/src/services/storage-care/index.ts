import type { Core } from '@strapi/strapi';
import type { StrategyName } from '../../storage/strategies';
import { importFilms } from '../film-import';
import type { ImportEvent, ImportOptions } from '../film-import/events';
import { getService } from '../get-service';
import { adopt } from '../public-films/adopt';
import type { AdoptEvent, AdoptOptions, ReleaseEvent, ReleaseOptions } from '../public-films/events';
import { release } from '../public-films/release';
import { type MoveEvent, migrate } from './migrate';
import { type RebuildEvent, rebuild } from './rebuild';
import { type RepairEvent, repair } from './repair';
import { readStats, type StorageStats } from './stats';
import { listTrash, type TrashedFilm } from './trashed';
import { type Finding, type VerifyOptions, verify } from './verify';
import { type FilmPlaceAnswer, findPlaces } from './where';

/** What `protected-vod storage …` and `protected-vod import` do. What changes the library as a whole holds its lock, on all machines. */
export interface StorageCareService {
  stats(): Promise<StorageStats>;
  where(documentId: string): Promise<FilmPlaceAnswer[]>;
  verify(options: VerifyOptions): AsyncGenerator<Finding>;
  migrate(to: StrategyName): AsyncGenerator<MoveEvent>;
  repair(options: VerifyOptions): AsyncGenerator<RepairEvent>;
  rebuild(): AsyncGenerator<RebuildEvent>;
  importFilms(options: ImportOptions): AsyncGenerator<ImportEvent>;
  adopt(options: AdoptOptions): AsyncGenerator<AdoptEvent>;
  release(options: ReleaseOptions): AsyncGenerator<ReleaseEvent>;
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
    importFilms: (options) => importFilms(strapi, options),
    adopt: (options) => adopt(strapi, options),
    release: (options) => release(strapi, options),
    listTrash: () => listTrash(strapi),
    async restore(assetId) {
      await getService(strapi, 'asset').restore(assetId);
    },
  };
}
