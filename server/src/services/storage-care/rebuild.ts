import type { Core } from '@strapi/strapi';
import { lockLibrary } from '../../storage/keeper-lock';
import { type FilmMetadata, filmKeyOf } from '../../storage/metadata';
import { walkArea } from '../../storage/walk';
import { getService } from '../get-service';
import { addRowFrom, giveFile, trueMetadata } from './adoption';
import { createLedger, type DatabaseLedger } from './ledger';

export type RebuildEvent =
  | { kind: 'added'; assetId: string; key: string; state: 'ready' | 'trashed' }
  | { kind: 'known'; assetId: string; key: string }
  /** `untrue`: unreadable, or the film beside it is not the one that it describes. */
  | { kind: 'refused'; key: string; reason: 'untrue' | 'name-taken' };

async function addReady(strapi: Core.Strapi, metadata: FilmMetadata, key: string): Promise<void> {
  const asset = await addRowFrom(strapi, metadata, { storageKey: key, trashKey: null });
  await giveFile(strapi, asset.documentId, metadata.folders);
}

async function adopt(strapi: Core.Strapi, ledger: DatabaseLedger, key: string): Promise<RebuildEvent> {
  const metadata = await trueMetadata(strapi, key);
  if (metadata === null) return { kind: 'refused', key, reason: 'untrue' };
  const { assetId } = metadata;
  if (await ledger.has(assetId)) return { kind: 'known', assetId, key };
  const isTrashed = key.startsWith('trash/');
  const storageKey = isTrashed ? metadata.storageKey : key;
  if (await ledger.isKeyTaken(storageKey)) return { kind: 'refused', key, reason: 'name-taken' };
  if (isTrashed) await addRowFrom(strapi, metadata, { storageKey, trashKey: key });
  else await addReady(strapi, metadata, key);
  return { kind: 'added', assetId, key, state: isTrashed ? 'trashed' : 'ready' };
}

/**
 * Brings back rows that the database has lost, from the metadata files, each only if the film beside it has the size and
 * SHA-256 that it says. Rows that are there stay as they are. Throws `storage-busy`.
 */
export async function* rebuild(strapi: Core.Strapi): AsyncGenerator<RebuildEvent> {
  const { root } = getService(strapi, 'storage');
  const release = await lockLibrary(root);
  try {
    const ledger = createLedger(strapi);
    // The library first: a film that is in both, because a move was cut off, is ready.
    for (const area of ['library', 'trash'] as const) {
      for await (const { key, kind } of walkArea(root, area)) {
        const filmKey = kind === 'file' ? filmKeyOf(key) : null;
        if (filmKey !== null) yield await adopt(strapi, ledger, filmKey);
      }
    }
    await getService(strapi, 'film-judging').judgeRest();
  } finally {
    await release();
  }
}
