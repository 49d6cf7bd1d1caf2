import type { Core } from '@strapi/strapi';
import { VodError } from '../../errors';
import { hashKey, sizeOfKey } from '../../storage/hash-key';
import { type FilmMetadata, readMetadata } from '../../storage/metadata';
import { getService } from '../get-service';

/** What lies beside a film, if it is right about it: size and SHA-256 are those of the file. Else null. */
export async function trueMetadata(strapi: Core.Strapi, filmKey: string): Promise<FilmMetadata | null> {
  const { root } = getService(strapi, 'storage');
  try {
    const metadata = await readMetadata(root, filmKey);
    if (typeof metadata === 'string' || (await sizeOfKey(root, filmKey)) !== metadata.sizeBytes) return null;
    return (await hashKey(root, filmKey)) === metadata.sha256 ? metadata : null;
  } catch (error) {
    if (error instanceof VodError) return null;
    throw error;
  }
}

/** Adds the row that a film had, under its old id, so that whatever names the id finds it again. */
export async function addRowFrom(
  strapi: Core.Strapi,
  metadata: FilmMetadata,
  place: { storageKey: string; trashKey: string | null },
) {
  const { assetId, fileName, sizeBytes, sha256, mime, durationSeconds, tracks = [], judgement = null } = metadata;
  const film = { mime, durationSeconds, tracks, judgement };
  return getService(strapi, 'asset').create({ assetId, fileName, sizeBytes, sha256, ...film, ...place });
}
