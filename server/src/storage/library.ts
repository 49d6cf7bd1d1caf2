import { open, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { metadataKeyOf } from './metadata';
import { hasErrno, storageError } from './storage-error';
import { FILE_MODE, makeParentOfKey, pathOfKey, type StorageRoot } from './storage-root';
import type { FilmPlace, StorageStrategy } from './strategies';

const MAX_ORDINAL = 10_000;

const CLAIM_ATTEMPTS = 5;

/** Creates an empty file at the key, or answers false because there is one. Atomic, on network shares too. */
export async function claimName(root: StorageRoot, key: string): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    await makeParentOfKey(root, key);
    try {
      await (await open(pathOfKey(root, key), 'wx', FILE_MODE)).close();
      return true;
    } catch (error) {
      if (hasErrno(error, 'EEXIST')) return false;
      // Another film may have left this directory, and it was pruned, between the two calls.
      if (!hasErrno(error, 'ENOENT') || attempt === CLAIM_ATTEMPTS) throw error;
    }
  }
}

export interface PlaceRequest {
  partPath: string;
  place: FilmPlace;
  strategy: StorageStrategy;
  /** Names that are free on disk but promised to a film in the trash. */
  isReserved: (key: string) => Promise<boolean>;
}

/**
 * Moves a received part into the library by rename and returns its key. The name is claimed with an exclusive create
 * first, so two films that want the same place never overwrite one another.
 */
export async function placeInLibrary(root: StorageRoot, request: PlaceRequest): Promise<string> {
  for (let ordinal = 1; ordinal <= MAX_ORDINAL; ordinal += 1) {
    const key = request.strategy.keyOf(request.place, ordinal);
    if (await request.isReserved(key)) continue;
    if (!(await claimName(root, key))) continue;
    try {
      await rename(request.partPath, pathOfKey(root, key));
      return key;
    } catch (error) {
      await rm(pathOfKey(root, key), { force: true });
      throw error;
    }
  }
  throw storageError('storage-invalid-key', 'Too many files of one name lie in one folder.');
}

/** Removes the directories above a key that have become empty, up to the area. */
export async function pruneEmptyParents(root: StorageRoot, key: string): Promise<void> {
  const segments = key.split('/').slice(0, -1);
  for (; segments.length > 1; segments.pop()) {
    try {
      await rmdir(path.join(root.path, ...segments));
    } catch (error) {
      if (hasErrno(error, 'ENOTEMPTY') || hasErrno(error, 'EEXIST') || hasErrno(error, 'ENOENT')) return;
      throw error;
    }
  }
}

/** Undoes `placeInLibrary`: bytes, metadata and emptied directories are gone afterwards. */
export async function removeFromLibrary(root: StorageRoot, key: string): Promise<void> {
  await rm(pathOfKey(root, key), { force: true });
  await rm(pathOfKey(root, metadataKeyOf(key)), { force: true });
  await pruneEmptyParents(root, key);
}
