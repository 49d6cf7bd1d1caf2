import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { documentIdSchema } from '../../../contracts';
import { VIDEO_UID } from '../../content-types/uids';
import { sizeOfKey } from '../../storage/hash-key';
import { keyOfFilm } from '../../storage/moving/ledger';
import { getService } from '../get-service';
import { FILE_UID, markedAsset } from '../protected-mark';
import { createLedger } from './ledger';

export interface FilmPlaceAnswer {
  assetId: string;
  state: 'ready' | 'trashed';
  fileName: string;
  /** Absolute: for who runs the machine, never for a viewer. */
  path: string;
  sizeBytes: number;
  /** Whether a file of that size lies there. */
  isThere: boolean;
}

/** Assets behind a video (its draft and its published entry, all locales), a Media Library file, or an asset itself. */
export async function assetsBehind(strapi: Core.Strapi, documentId: string): Promise<string[]> {
  const where = { documentId };
  const videos = await strapi.db.query(VIDEO_UID).findMany({ where, populate: { source: true } });
  const files = await strapi.db.query(FILE_UID).findMany({ where });
  const marked = [...videos.map(({ source }) => markedAsset(source)), ...files.map(markedAsset), documentId];
  return [...new Set(marked.filter((id) => id !== null))];
}

/** Where the films of a documentId lie; `[]`: it has none. */
export async function findPlaces(strapi: Core.Strapi, documentId: string): Promise<FilmPlaceAnswer[]> {
  if (!documentIdSchema.safeParse(documentId).success) return [];
  const { root } = getService(strapi, 'storage');
  const ledger = createLedger(strapi);
  const places: FilmPlaceAnswer[] = [];
  for (const assetId of await assetsBehind(strapi, documentId)) {
    const film = await ledger.find(assetId);
    if (!film) continue;
    const { state, fileName, sizeBytes } = film;
    const key = keyOfFilm(film);
    const isThere = (await sizeOfKey(root, key).catch(() => null)) === sizeBytes;
    places.push({ assetId, state, fileName, path: path.join(root.path, ...key.split('/')), sizeBytes, isThere });
  }
  return places;
}
