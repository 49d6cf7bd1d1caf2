import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import { VodError } from '../../errors';
import type { IncomingStore } from '../../storage/incoming-store';
import type { UploadClaims } from '../../tokens/upload-token';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import type { UploadFate, UploadResult } from '../incoming-films/upload-fate';
import { type FilmFile, findFilmFile, mayReplace, mayUpload } from './admin-right';
import { isFinal, refusalOf } from './answers';

/** Throws ForbiddenError unless the admin may still add files (S23). */
export async function requireUploader(strapi: Core.Strapi, { adminId }: UploadClaims): Promise<number> {
  if (await mayUpload(strapi, Number(adminId))) return Number(adminId);
  throw new errors.ForbiddenError('You may no longer add files to the Media Library.');
}

async function folderPathOf(strapi: Core.Strapi, folderId: number | null): Promise<string> {
  // The folder may have gone since the token was made; the film then lies at the top.
  if (folderId === null || !(await getService(strapi, 'media-folder').exists(folderId))) return '/';
  return strapi.plugin('upload').service('file').getFolderPath(folderId);
}

/** Null: the upload replaces nothing. Throws ForbiddenError, or `upload-target-gone`. */
export async function requireTarget(
  strapi: Core.Strapi,
  { adminId, replaces }: UploadClaims,
): Promise<FilmFile | null> {
  if (replaces === null) return null;
  const file = await findFilmFile(strapi, replaces);
  if (file === null) throw new VodError('upload-target-gone', 'There is no film that this upload could replace.');
  if (await mayReplace(strapi, Number(adminId), file)) return file;
  throw new errors.ForbiddenError('You may not replace this file of the Media Library.');
}

async function storeAsFile(strapi: Core.Strapi, store: IncomingStore, claims: UploadClaims): Promise<UploadResult> {
  const adminId = await requireUploader(strapi, claims);
  const target = await requireTarget(strapi, claims);
  const part = await store.complete(claims.uploadId);
  const folderPath = target?.folderPath ?? (await folderPathOf(strapi, claims.folderId));
  const asset = await getService(strapi, 'film-intake').store({ part, fileName: claims.fileName, folderPath, adminId });
  try {
    const folderId = folderPath === '/' ? null : claims.folderId;
    const files = getService(strapi, 'media-file');
    const file = target
      ? await files.replace(target.id, { asset, adminId })
      : await files.create({ asset, folderId, adminId });
    const { documentId: assetId, verdict = null, verdictReason = null, verdictSentence = null } = asset;
    const film = { assetId, verdict, verdictReason, verdictSentence };
    return { fileId: file.id, fileDocumentId: file.documentId, ...film };
  } catch (error) {
    await withdraw(strapi, asset);
    throw error;
  }
}

/** Takes a stored film back, unless its file was written before what failed, or its bytes are in the trash already. */
async function withdraw(strapi: Core.Strapi, asset: Asset): Promise<void> {
  const assets = getService(strapi, 'asset');
  if ((await assets.stateOf(asset.documentId)) !== 'ready' || (await assets.countFiles(asset.documentId)) > 0) return;
  await assets.undoIntake(asset);
}

async function decide(strapi: Core.Strapi, store: IncomingStore, claims: UploadClaims): Promise<UploadFate> {
  try {
    return { result: await storeAsFile(strapi, store, claims) };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal && isFinal(refusal)) return { refusal };
    throw error;
  }
}

/**
 * Turns a complete upload into a Media Library file, or refuses it for good, and remembers which. Who calls it holds the
 * lock. Throws what keeps both from being decided now: the bytes are still there, and it can be done again.
 */
export async function completeUpload(
  strapi: Core.Strapi,
  store: IncomingStore,
  claims: UploadClaims,
): Promise<UploadFate> {
  const { records } = getService(strapi, 'incoming-films');
  const known = await records.fateOf(claims.uploadId);
  if (known) return known;
  const fate = await decide(strapi, store, claims);
  await records.settle(claims.uploadId, fate);
  await store.discard(claims.uploadId);
  return fate;
}
