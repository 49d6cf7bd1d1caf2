import { createHash } from 'node:crypto';
import { hasErrno } from './storage-error';
import { openKey, type StorageRoot } from './storage-root';

/** SHA-256 of a stored file, read from the disk now. Throws what `openKey` throws. */
export async function hashKey(root: StorageRoot, key: string): Promise<string> {
  const handle = await openKey(root, key);
  const hash = createHash('sha256');
  for await (const piece of handle.createReadStream({ highWaterMark: 1024 * 1024 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Size of a stored file; null: there is none. Throws `storage-outside-root` for what is reached by a symbolic link. */
export async function sizeOfKey(root: StorageRoot, key: string): Promise<number | null> {
  try {
    const handle = await openKey(root, key);
    try {
      return (await handle.stat()).size;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (hasErrno(error, 'storage-missing')) return null;
    throw error;
  }
}
