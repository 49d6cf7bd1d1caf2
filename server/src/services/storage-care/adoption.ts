import type { Core } from '@strapi/strapi';
import type { DerivedFile } from '../../../contracts';
import { VodError } from '../../errors';
import { derivedKeyOf } from '../../storage/derived';
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

/** What of that was made of a film is there as it was; the rest is made once more. */
async function trueDerived(
  strapi: Core.Strapi,
  filmKey: string,
  { derived = [] }: FilmMetadata,
): Promise<DerivedFile[]> {
  const { root } = getService(strapi, 'storage');
  const found: DerivedFile[] = [];
  for (const file of derived) {
    const sha256 = await hashKey(root, derivedKeyOf(filmKey, file.name)).catch(() => null);
    if (sha256 === file.sha256) found.push(file);
  }
  return found;
}

/** Adds the row that a film had, under its old id, so that whatever names the id finds it again. */
export async function addRowFrom(
  strapi: Core.Strapi,
  metadata: FilmMetadata,
  place: { storageKey: string; trashKey: string | null },
) {
  const { assetId, fileName, sizeBytes, sha256, mime, durationSeconds } = metadata;
  const { tracks = [], judgement = null, removedTexts = [] } = metadata;
  const derived = await trueDerived(strapi, place.trashKey ?? place.storageKey, metadata);
  const film = { mime, durationSeconds, tracks, judgement, derived, removedTexts };
  return getService(strapi, 'asset').create({ assetId, fileName, sizeBytes, sha256, ...film, ...place });
}

/** Adds a Media Library file for a film that none stands for, in the folder of these names. */
export async function giveFile(strapi: Core.Strapi, assetId: string, folders: readonly string[]): Promise<void> {
  const asset = await getService(strapi, 'asset').findById(assetId);
  if (asset === null || (await getService(strapi, 'asset').countFiles(assetId)) > 0) return;
  const folderId = await getService(strapi, 'media-folder').ensure(folders);
  await getService(strapi, 'media-file').create({ asset, folderId, adminId: null });
}
