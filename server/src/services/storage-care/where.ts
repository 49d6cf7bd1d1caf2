import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { type AssetState, documentIdSchema } from '../../../contracts';
import { ASSET_UID, VIDEO_UID } from '../../content-types/uids';
import { sizeOfKey } from '../../storage/hash-key';
import { keyOfFilm } from '../../storage/moving/ledger';
import { getService } from '../get-service';
import { FILE_UID, markedAsset, protectedMark } from '../protected-mark';
import { createLedger } from './ledger';

export interface FilmPlaceAnswer {
  assetId: string;
  state: AssetState;
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

/** Those that were replaced in the Media Library files that stand for these, and are watched still. */
async function replacedBefore(strapi: Core.Strapi, assetIds: readonly string[]): Promise<string[]> {
  const url = { $in: assetIds.map((id) => protectedMark(id).url) };
  const files = await strapi.db.query(FILE_UID).findMany({ where: { url }, select: ['documentId'] });
  const replacedIn = { $in: files.map(({ documentId }) => documentId) };
  const found = await strapi.db
    .query(ASSET_UID)
    .findMany({ where: { state: 'replaced', replacedIn }, select: ['documentId'] });
  return found.map(({ documentId }) => documentId);
}

/** Where the films of a documentId lie, and those that they replaced and that somebody still watches; `[]`: it has none. */
export async function findPlaces(strapi: Core.Strapi, documentId: string): Promise<FilmPlaceAnswer[]> {
  if (!documentIdSchema.safeParse(documentId).success) return [];
  const { root } = getService(strapi, 'storage');
  const ledger = createLedger(strapi);
  const places: FilmPlaceAnswer[] = [];
  const behind = await assetsBehind(strapi, documentId);
  for (const assetId of new Set([...behind, ...(await replacedBefore(strapi, behind))])) {
    const film = await ledger.find(assetId);
    if (!film) continue;
    const { state, fileName, sizeBytes } = film;
    const key = keyOfFilm(film);
    const isThere = (await sizeOfKey(root, key).catch(() => null)) === sizeBytes;
    places.push({ assetId, state, fileName, path: path.join(root.path, ...key.split('/')), sizeBytes, isThere });
  }
  return places;
}
