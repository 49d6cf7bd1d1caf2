import { createHash, randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { FreeSpaceWatch } from './free-space';
import { storageError } from './storage-error';
import { FILE_MODE, type StorageRoot } from './storage-root';
import { writeAll } from './write-all';

/** A complete upload that lies in `incoming/` and has been looked at by nobody yet. */
export interface ReceivedPart {
  /** Absolute; below the storage root. */
  path: string;
  sizeBytes: number;
  /** Lower-case hex. */
  sha256: string;
}

export interface ReceiveOptions {
  maxBytes: number;
  /** Left on the disk, whatever else is written to it. Default 0. */
  minFreeBytes?: number;
  /** Hexadecimal; the file is named by it. */
  id?: string;
}

/**
 * Writes a stream to a new file in `incoming/` (0600), counting and hashing on the way. Throws `storage-too-large`
 * once more than `maxBytes` came, `storage-full`, or whatever the stream threw; after any throw the file is gone.
 */
export async function receivePart(
  root: StorageRoot,
  source: AsyncIterable<Buffer | string>,
  { maxBytes, minFreeBytes = 0, id = randomBytes(16).toString('hex') }: ReceiveOptions,
): Promise<ReceivedPart> {
  const partPath = path.join(root.path, 'incoming', `${id}.part`);
  const space = new FreeSpaceWatch(root, minFreeBytes);
  const handle = await open(partPath, 'wx', FILE_MODE);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const piece of source) {
      const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
      sizeBytes += bytes.byteLength;
      if (sizeBytes > maxBytes) throw storageError('storage-too-large', `More than ${maxBytes} bytes came.`);
      await space.before(bytes.byteLength);
      hash.update(bytes);
      await writeAll(handle, bytes, sizeBytes - bytes.byteLength);
    }
    await handle.close();
    return { path: partPath, sizeBytes, sha256: hash.digest('hex') };
  } catch (error) {
    await handle.close();
    await rm(partPath, { force: true });
    throw error;
  }
}
