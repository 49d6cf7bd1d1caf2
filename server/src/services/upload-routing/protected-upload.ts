import path from 'node:path';
import { Readable } from 'node:stream';
import type { Core } from '@strapi/strapi';
import { configOf } from '../../config';
import { receivePart } from '../../storage/receive';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import { protectedMark } from '../protected-mark';
import { forEditor } from './editor-error';
import type { UploadFile } from './provider';

function bytesOf(file: UploadFile): Readable {
  if (file.buffer) return Readable.from([file.buffer]);
  const stream = file.stream ?? file.getStream?.();
  if (!stream) throw new Error('The file to be uploaded has neither a stream nor a buffer.');
  return stream;
}

/** The name that editors see, with the extension that the uploaded file has. */
function fileNameOf(file: UploadFile): string {
  return path.posix.extname(file.name) === '' ? `${file.name}${file.ext ?? ''}` : file.name;
}

/**
 * Takes a film into protected storage and turns the file into a row that names it and cannot be played. Throws an
 * ApplicationError with a sentence if the film is refused; nothing is left then.
 */
export async function protectUpload(strapi: Core.Strapi, file: UploadFile): Promise<Asset> {
  const fileName = fileNameOf(file);
  try {
    const { root } = getService(strapi, 'storage');
    const part = await receivePart(root, bytesOf(file), configOf(strapi).upload.maxBytes);
    const intake = getService(strapi, 'film-intake');
    const asset = await intake.store({ part, fileName, folderPath: file.folderPath ?? '/' });
    Object.assign(file, protectedMark(asset.documentId), { mime: asset.mime });
    return asset;
  } catch (error) {
    throw forEditor(error, fileName);
  }
}
