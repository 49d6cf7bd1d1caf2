import { statfs } from 'node:fs/promises';
import { formatBytes } from './byte-size';
import { storageError } from './storage-error';
import type { StorageRoot } from './storage-root';

/** Asked again behind as many bytes: what else writes to the disk is not known beforehand. */
const LOOK_EVERY_BYTES = 64 * 1024 * 1024;

/** Bytes that this user may still write on the storage volume. */
export async function freeBytesOf(root: StorageRoot): Promise<number> {
  const { bavail, bsize } = await statfs(root.path);
  return bavail * bsize;
}

/** Watches the room on the disk while bytes arrive. */
export class FreeSpaceWatch {
  #unseenBytes = LOOK_EVERY_BYTES;

  constructor(
    private readonly root: StorageRoot,
    private readonly minFreeBytes: number,
  ) {}

  /** To be told before each write. Throws `storage-full` once less than `minFreeBytes` would be left. */
  async before(bytes: number): Promise<void> {
    this.#unseenBytes += bytes;
    if (this.#unseenBytes < LOOK_EVERY_BYTES) return;
    this.#unseenBytes = 0;
    const freeBytes = await freeBytesOf(this.root);
    if (freeBytes - bytes >= this.minFreeBytes) return;
    throw storageError('storage-full', `The disk of this site is full (${formatBytes(freeBytes)} are left).`);
  }
}
