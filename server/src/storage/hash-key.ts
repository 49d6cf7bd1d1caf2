import { sha256Of } from './sha256';
import { hasErrno } from './storage-error';
import { openKey, type StorageRoot } from './storage-root';

/** SHA-256 of a stored file, read from the disk now. Throws what `openKey` throws. */
export async function hashKey(root: StorageRoot, key: string): Promise<string> {
  const handle = await openKey(root, key);
  return sha256Of(handle.createReadStream({ highWaterMark: 1024 * 1024 }));
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
