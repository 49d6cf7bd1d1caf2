import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { UploadedFilm } from '../../../contracts';
import { VodError } from '../../errors';
import type { IncomingStore } from '../../storage/incoming-store';
import type { UploadClaims } from '../../tokens/upload-token';
import { getService } from '../get-service';
import { mayUpload } from './admin-right';

/** What the client gets for a finished upload, as JSON in the `Upload-Result` header. */
export interface UploadResult extends UploadedFilm {
  fileId: number;
  fileDocumentId: string;
}

/** Headers are no place for other letters (RFC 9110 §5.5): JSON can escape them. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

async function folderPathOf(strapi: Core.Strapi, folderId: number | null): Promise<string> {
  // The folder may have gone since the token was made; the film then lies at the top.
  if (folderId === null || !(await getService(strapi, 'media-folder').exists(folderId))) return '/';
  return strapi.plugin('upload').service('file').getFolderPath(folderId);
}

async function storeAsFile(strapi: Core.Strapi, store: IncomingStore, claims: UploadClaims): Promise<UploadResult> {
  const adminId = Number(claims.adminId);
  if (!(await mayUpload(strapi, adminId))) {
    throw new errors.ForbiddenError('You may no longer add files to the Media Library.');
  }
  const part = await store.complete(claims.uploadId);
  const folderPath = await folderPathOf(strapi, claims.folderId);
  const asset = await getService(strapi, 'film-intake').store({ part, fileName: claims.fileName, folderPath, adminId });
  try {
    const folderId = folderPath === '/' ? null : claims.folderId;
    const file = await getService(strapi, 'media-file').create({ asset, folderId, adminId });
    const { documentId: assetId, verdict = null, verdictReason = null, verdictSentence = null } = asset;
    const film = { assetId, verdict, verdictReason, verdictSentence };
    return { fileId: file.id, fileDocumentId: file.documentId, ...film };
  } catch (error) {
    await getService(strapi, 'asset').undoIntake(asset);
    throw error;
  }
}

/**
 * Turns a complete upload into a Media Library file and remembers the result. After any throw neither bytes nor rows
 * are left. Throws `VodError` with a `film-…` code if the film is refused, ForbiddenError if the admin lost the right.
 */
export async function completeUpload(strapi: Core.Strapi, store: IncomingStore, claims: UploadClaims): Promise<string> {
  const record = await store.records.find(claims.uploadId);
  if (!record) throw new VodError('upload-missing', 'There is no such upload.');
  if (record.result !== undefined) return record.result;
  try {
    const result = asciiJson(await storeAsFile(strapi, store, claims));
    await store.records.save({ ...record, result });
    return result;
  } catch (error) {
    await store.discard(claims.uploadId);
    throw error;
  } finally {
    store.settle(claims.uploadId);
  }
}
