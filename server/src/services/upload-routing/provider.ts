import type { Readable } from 'node:stream';
import { file as fileTools } from '@strapi/utils';

/** What Strapi hands to an upload provider, as far as this plugin looks at it. */
export interface UploadFile {
  id?: number;
  /** Of a row that there is already. */
  documentId?: string;
  name: string;
  hash: string;
  ext?: string;
  mime: string;
  /** In units of 1000 bytes. */
  size: number;
  sizeInBytes?: number;
  url?: string;
  folderPath?: string;
  provider_metadata?: unknown;
  formats?: unknown;
  /** Of the temporary file, when there is one. */
  filepath?: string;
  stream?: Readable;
  buffer?: Buffer;
  getStream?: () => Readable;
}

type Method = (file: UploadFile, ...rest: unknown[]) => Promise<unknown>;

/** The methods through which bytes come and go. Strapi insists on `delete` and one of the two uploads only. */
export interface ProviderMethods {
  upload?: Method;
  uploadStream?: Method;
  replace?: Method;
  replaceStream?: Method;
  delete: Method;
}

/** The site's own provider behind one interface, whatever subset of the methods it has. */
export interface InnerProvider {
  upload(file: UploadFile, rest?: unknown[]): Promise<void>;
  replace(newFile: UploadFile, oldFile: UploadFile): Promise<void>;
  delete(file: UploadFile, rest?: unknown[]): Promise<unknown>;
}

async function withBuffer(file: UploadFile, action: () => Promise<unknown>): Promise<void> {
  if (file.buffer) {
    await action();
    return;
  }
  const stream = file.stream ?? file.getStream?.();
  if (!stream) throw new Error('The file to be uploaded has neither a stream nor a buffer.');
  file.buffer = await fileTools.streamToBuffer(stream);
  await action();
  delete file.buffer;
}

/** Captures the methods as they are now; `this` stays the provider that Strapi made. */
export function captureInner(provider: ProviderMethods): InnerProvider {
  const { upload, uploadStream, replace, replaceStream, delete: remove } = provider;

  async function put(file: UploadFile, rest: unknown[] = []): Promise<void> {
    if (uploadStream && !file.buffer) await uploadStream.call(provider, file, ...rest);
    else if (upload) await withBuffer(file, () => upload.call(provider, file, ...rest));
    else if (uploadStream) await uploadStream.call(provider, file, ...rest);
  }

  return {
    upload: put,
    async replace(newFile, oldFile) {
      if (replaceStream && !newFile.buffer) await replaceStream.call(provider, newFile, oldFile);
      else if (replace) await withBuffer(newFile, () => replace.call(provider, newFile, oldFile));
      else {
        // What Strapi itself does for a provider that cannot replace.
        await remove.call(provider, oldFile);
        await put(newFile);
      }
    },
    delete: (file, rest = []) => remove.call(provider, file, ...rest),
  };
}
