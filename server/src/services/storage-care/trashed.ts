import type { Core } from '@strapi/strapi';
import { createLedger } from './ledger';

export interface TrashedFilm {
  assetId: string;
  fileName: string;
  sizeBytes: number;
  /** `2026-01-31` */
  day: string;
  reason: string | null;
}

/** Films in the trash, the oldest row first. */
export async function listTrash(strapi: Core.Strapi): Promise<TrashedFilm[]> {
  const films: TrashedFilm[] = [];
  for await (const { state, assetId, fileName, sizeBytes, trashKey, reason = null } of createLedger(strapi).films()) {
    if (state === 'trashed') films.push({ assetId, fileName, sizeBytes, day: trashKey?.split('/')[1] ?? '?', reason });
  }
  return films;
}
