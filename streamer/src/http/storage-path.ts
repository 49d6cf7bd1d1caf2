import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { isStorageKey } from '../../../server/contracts';
import { codeOf, StreamError } from '../errors';

export interface OpenedSource {
  file: FileHandle;
  sizeBytes: number;
}

export interface Storage {
  /** The real path of a stored object, proved to lie under the real storage root. */
  resolve(storageKey: string): Promise<string>;
  /** Opens it for reading; the caller closes it. */
  open(storageKey: string): Promise<OpenedSource>;
  /** Throws if the root cannot be read. */
  check(): Promise<void>;
}

function toStreamError(cause: unknown): StreamError {
  if (cause instanceof StreamError) return cause;
  const code = codeOf(cause);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new StreamError('asset-missing', 'A source is not in the storage.', { cause });
  return new StreamError('storage-unreadable', 'A source cannot be read.', { cause });
}

/**
 * Read access to the storage root by storage key, never by request text. Throws StreamError `storage-key-refused`,
 * `storage-escape`, `asset-missing` or `storage-unreadable`.
 */
export function createStorage(root: string): Storage {
  async function resolve(storageKey: string): Promise<string> {
    if (!isStorageKey(storageKey)) throw new StreamError('storage-key-refused', 'Not a storage key.');
    try {
      const realRoot = await realpath(root);
      const real = await realpath(path.join(realRoot, storageKey));
      // The separator matters: `/data/vod-old` is not under `/data/vod`.
      if (real.startsWith(realRoot + path.sep)) return real;
    } catch (cause) {
      throw toStreamError(cause);
    }
    throw new StreamError('storage-escape', 'A storage key leads out of the storage root.');
  }

  async function openSource(storageKey: string): Promise<OpenedSource> {
    const real = await resolve(storageKey);
    let file: FileHandle | undefined;
    try {
      // The last name was just resolved; if it is a link by now, somebody swapped it. O_NONBLOCK: never wait on a FIFO.
      file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const stat = await file.stat();
      if (!stat.isFile()) throw new StreamError('storage-unreadable', 'A storage key names no regular file.');
      return { file, sizeBytes: stat.size };
    } catch (cause) {
      await file?.close();
      throw toStreamError(cause);
    }
  }

  async function check(): Promise<void> {
    const directory = await open(root, constants.O_RDONLY | constants.O_DIRECTORY).catch((cause: unknown) => {
      throw toStreamError(cause);
    });
    await directory.close();
  }

  return { resolve, open: openSource, check };
}
