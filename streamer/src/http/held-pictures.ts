import { type GrantedFile, MAX_PICTURE_BYTES } from '../../../server/contracts';
import { StreamError } from '../errors';
import type { Storage } from './storage-path';

const MAX_HELD_BYTES = 8 * MAX_PICTURE_BYTES;

export interface HeldPicture {
  bytes: Buffer;
  /** To be called once, when it has been sent. */
  release(): void;
}

interface Entry {
  bytes: Promise<Buffer>;
  sizeBytes: number;
  users: number;
}

/** Reads a picture as a whole. */
export type PictureReader = (file: GrantedFile) => Promise<HeldPicture>;

/**
 * Pictures are held in memory while they are sent, each once for all who get it, and all together within a bound. Throws
 * `StreamError` `overloaded` beyond it, `asset-missing` for what is no picture, or what `Storage` throws.
 */
export function createPictureReader(storage: Pick<Storage, 'open'>, maxBytes = MAX_HELD_BYTES): PictureReader {
  const entries = new Map<string, Entry>();
  let heldBytes = 0;

  function release(key: string, entry: Entry): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    heldBytes -= entry.sizeBytes;
    entries.delete(key);
  }

  async function load(storageKey: string, entry: Entry): Promise<Buffer> {
    const { file, sizeBytes } = await storage.open(storageKey);
    try {
      if (sizeBytes > MAX_PICTURE_BYTES) throw new StreamError('asset-missing', 'It is larger than a picture may be.');
      if (heldBytes + sizeBytes > maxBytes) throw new StreamError('overloaded', 'Too many pictures are being sent.');
      heldBytes += sizeBytes;
      entry.sizeBytes = sizeBytes;
      const bytes = Buffer.alloc(sizeBytes);
      const { bytesRead } = await file.read(bytes, 0, sizeBytes, 0);
      return bytes.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  function entryOf(key: string, storageKey: string): Entry {
    const known = entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = { bytes: Promise.resolve(Buffer.alloc(0)), sizeBytes: 0, users: 0 };
    entry.bytes = load(storageKey, entry);
    entries.set(key, entry);
    return entry;
  }

  return async ({ storageKey, version }) => {
    const key = `${version} ${storageKey}`;
    const entry = entryOf(key, storageKey);
    entry.users += 1;
    try {
      return { bytes: await entry.bytes, release: () => release(key, entry) };
    } catch (error) {
      release(key, entry);
      throw error;
    }
  };
}
