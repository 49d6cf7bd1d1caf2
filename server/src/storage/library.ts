import { link, open, rename, rm, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { removeDerived } from './derived';
import { metadataKeyOf } from './metadata';
import { Spelling } from './spelling';
import { hasErrno, storageError } from './storage-error';
import { FILE_MODE, makeParentOfKey, pathOfKey, type StorageRoot } from './storage-root';
import type { FilmPlace, StorageStrategy } from './strategies';

const MAX_ORDINAL = 10_000;

const MOVE_ATTEMPTS = 5;

const NO_HARD_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** Whether a file system without hard links answered so to `link`. */
export function isWithoutHardLinks(error: unknown): boolean {
  return NO_HARD_LINKS.some((errno) => hasErrno(error, errno));
}

/** Claims the name with an empty file, then renames over it: exclusive wherever `open` with O_EXCL is. */
async function claimAndRename(from: string, to: string): Promise<void> {
  await (await open(to, 'wx', FILE_MODE)).close();
  try {
    await rename(from, to);
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  }
}

/** Moves a file within one volume and throws EEXIST instead of overwriting. */
async function moveWithoutOverwriting(from: string, to: string): Promise<void> {
  try {
    // Not `rename` over a placeholder: ext4 (auto_da_alloc) then writes the whole film to disk before it answers.
    await link(from, to);
  } catch (error) {
    if (!isWithoutHardLinks(error)) throw error;
    return claimAndRename(from, to);
  }
  await unlink(from);
}

/** Makes a file at a key by `claim`, or answers false because the name is taken. Throws what `claim` throws, but EEXIST. */
export async function claimKey(
  root: StorageRoot,
  key: string,
  claim: (path: string) => Promise<void>,
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    await makeParentOfKey(root, key);
    try {
      await claim(pathOfKey(root, key));
      return true;
    } catch (error) {
      if (hasErrno(error, 'EEXIST')) return false;
      // The last film may have left this directory, and it was pruned, between the two calls.
      if (!hasErrno(error, 'ENOENT') || attempt === MOVE_ATTEMPTS) throw error;
    }
  }
}

/** Moves a file to a key, or answers false because the name is taken. Throws ENOENT if there is nothing to move. */
export function moveToKey(root: StorageRoot, from: string, key: string): Promise<boolean> {
  return claimKey(root, key, (to) => moveWithoutOverwriting(from, to));
}

export interface KeyRequest {
  place: FilmPlace;
  strategy: StorageStrategy;
  /** Names that are free on disk but promised: to a film in the trash, or to one that is being moved. */
  isReserved: (key: string) => Promise<boolean>;
}

/** The keys that a film may have, the best first, as far as can be told without claiming one. */
export async function* freeKeys(
  root: StorageRoot,
  { place, strategy, isReserved }: KeyRequest,
): AsyncGenerator<string> {
  const spelling = new Spelling(root);
  for (let ordinal = 1; ordinal <= MAX_ORDINAL; ordinal += 1) {
    const key = await spelling.ofFolders(strategy.keyOf(place, ordinal));
    if (!(await spelling.isTaken(key)) && !(await isReserved(key))) yield key;
  }
}

export interface PlaceRequest extends KeyRequest {
  partPath: string;
}

/**
 * Moves a received part into the library, without copying it, and returns its key. Two films that want the same place
 * never overwrite one another.
 */
export async function placeInLibrary(root: StorageRoot, request: PlaceRequest): Promise<string> {
  for await (const key of freeKeys(root, request)) {
    if (await moveToKey(root, request.partPath, key)) return key;
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

/** Undoes `placeInLibrary`: bytes, metadata, what was made of them and emptied directories are gone afterwards. */
export async function removeFromLibrary(root: StorageRoot, key: string): Promise<void> {
  await rm(pathOfKey(root, key), { force: true });
  await rm(pathOfKey(root, metadataKeyOf(key)), { force: true });
  await removeDerived(root, key);
  await pruneEmptyParents(root, key);
}
