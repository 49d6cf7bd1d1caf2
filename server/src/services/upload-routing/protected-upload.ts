import { Readable } from 'node:stream';
import type { Core } from '@strapi/strapi';
import { configOf } from '../../config';
import { receivePart } from '../../storage/receive';
import { storageError } from '../../storage/storage-error';
import type { Asset } from '../asset';
import { adminOf } from '../audit/requester';
import { getService } from '../get-service';
import { protectedMark } from '../protected-mark';
import { shownName } from '../shown-name';
import { forEditor } from './editor-error';
import type { UploadFile } from './provider';

function bytesOf(file: UploadFile): Readable {
  if (file.buffer) return Readable.from([file.buffer]);
  const stream = file.stream ?? file.getStream?.();
  if (!stream) throw new Error('The file to be uploaded has neither a stream nor a buffer.');
  return stream;
}

/** What is known before the bytes come; Strapi tells it of every file that it has received itself. */
function sizeOf(file: UploadFile): number {
  return file.sizeInBytes ?? file.buffer?.byteLength ?? 0;
}

async function receiveAndStore(strapi: Core.Strapi, file: UploadFile, fileName: string): Promise<Asset> {
  const { upload, storage } = configOf(strapi);
  const { root } = getService(strapi, 'storage');
  const sizeBytes = sizeOf(file);
  if (sizeBytes > upload.maxBytes) throw storageError('storage-too-large', `More than ${upload.maxBytes} bytes came.`);
  const limits = { maxBytes: upload.maxBytes, minFreeBytes: storage.minFreeBytes };
  const adminId = adminOf(strapi)?.id ?? null;
  return getService(strapi, 'incoming-films').room.during({ fileName, sizeBytes, adminId }, async (id) => {
    const part = await receivePart(root, bytesOf(file), { ...limits, id });
    return getService(strapi, 'film-intake').store({ part, fileName, folderPath: file.folderPath ?? '/' });
  });
}

/**
 * Takes a film into protected storage and turns the file into a row that names it and cannot be played. Throws an
 * ApplicationError with a sentence if the film is refused; nothing is left then.
 */
export async function protectUpload(strapi: Core.Strapi, file: UploadFile): Promise<Asset> {
  const fileName = shownName(file);
  try {
    const asset = await receiveAndStore(strapi, file, fileName);
    Object.assign(file, protectedMark(asset.documentId), { mime: asset.mime });
    return asset;
  } catch (error) {
    throw forEditor(error, fileName);
  }
}
