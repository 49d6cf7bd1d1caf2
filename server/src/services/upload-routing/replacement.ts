import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { hasFilmExtension } from '../../storage/inspection/film-kind';
import { getService } from '../get-service';
import { markedAsset } from '../protected-mark';
import { trashIfUnused } from '../unused-film';
import { isFilm } from './film-question';
import { protectUpload } from './protected-upload';
import type { InnerProvider, UploadFile } from './provider';
import { refuseIfPublished } from './removal';

/** New bytes are safe before old ones go; if the old ones cannot go, the new ones are taken back. */
async function replaceByFilm(
  strapi: Core.Strapi,
  newFile: UploadFile,
  removeOld: () => Promise<unknown>,
): Promise<void> {
  const asset = await protectUpload(strapi, newFile);
  try {
    await removeOld();
  } catch (error) {
    await getService(strapi, 'asset').undoIntake(asset);
    throw error;
  }
}

/**
 * Replaces the bytes behind a Media Library row. Strapi has given the new file the old one's hash and extension, so
 * that a public address stays the same; a protected film has none, and takes the extension it came with.
 */
export async function replaceFile(
  strapi: Core.Strapi,
  inner: InnerProvider,
  newFile: UploadFile,
  oldFile: UploadFile,
): Promise<void> {
  const oldAsset = markedAsset(oldFile);
  const extension = path.posix.extname(newFile.name);
  // Before the first await: Strapi derives the extensions of a picture's sizes from this file meanwhile.
  const wasFilm = oldAsset !== null || hasFilmExtension(oldFile.ext ?? '');
  if (wasFilm && extension !== '') newFile.ext = extension;

  if (await isFilm(strapi, newFile, extension)) {
    // Once protected, always protected: moving the row into a public folder must not publish what replaces it.
    const staysPublic =
      oldAsset === null && (await getService(strapi, 'media-folder').isPublic(newFile.folderPath ?? '/'));
    if (staysPublic) return inner.replace(newFile, oldFile);
    if (extension !== '') newFile.ext = extension;
    if (oldAsset === null) return replaceByFilm(strapi, newFile, () => inner.delete(oldFile));
    // The old one stays until the row stands for the new one, and nobody watches: see `film-replacement`.
    await protectUpload(strapi, newFile);
    return;
  }
  if (oldAsset === null) return inner.replace(newFile, oldFile);
  await refuseIfPublished(strapi, oldFile);
  // Strapi keeps the row's old value where the new file has none.
  newFile.provider_metadata = null;
  await inner.upload(newFile);
  await trashIfUnused(strapi, oldAsset, oldFile.id);
}
