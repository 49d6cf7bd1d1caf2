import { rename } from 'node:fs/promises';
import path from 'node:path';
import { moveDerived } from './derived';
import { moveToKey, pruneEmptyParents } from './library';
import { metadataKeyOf } from './metadata';
import { hasErrno, storageError } from './storage-error';
import { makeParentOfKey, pathOfKey, type StorageRoot } from './storage-root';

async function moveIfThere(root: StorageRoot, from: string, to: string): Promise<boolean> {
  try {
    await rename(pathOfKey(root, from), pathOfKey(root, to));
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Moves what lies beside a film that has gone to the trash: metadata, and what was made of it. May be done again. */
export async function followToTrash(root: StorageRoot, key: string, trashKey: string): Promise<void> {
  await moveIfThere(root, metadataKeyOf(key), metadataKeyOf(trashKey));
  await moveDerived(root, key, trashKey);
  await pruneEmptyParents(root, key);
}

/** Where a film belongs that goes to the trash today. */
export function trashKeyFor(key: string, assetId: string, today: Date): string {
  return `trash/${today.toISOString().slice(0, 10)}/${assetId}/${path.posix.basename(key)}`;
}

/** Moves a film, its metadata and what was made of it there. False: the film is not where it should be. May be done again. */
export async function moveToTrashKey(root: StorageRoot, key: string, trashKey: string): Promise<boolean> {
  await makeParentOfKey(root, trashKey);
  const isMoved = await moveIfThere(root, key, trashKey);
  if (isMoved) await followToTrash(root, key, trashKey);
  else await pruneEmptyParents(root, trashKey);
  return isMoved;
}

/** Moves a film to where it belongs in the trash and returns its key there. Throws `storage-missing` if it is not where it should be. */
export async function moveToTrash(root: StorageRoot, key: string, assetId: string, today: Date): Promise<string> {
  const trashKey = trashKeyFor(key, assetId, today);
  if (await moveToTrashKey(root, key, trashKey)) return trashKey;
  throw storageError('storage-missing', 'The film to be trashed is not in the library.');
}

/**
 * Moves a film, its metadata and what was made of it back to its key. Throws `storage-name-taken` if another file has the name now, or
 * `storage-missing`; nothing has moved then.
 */
export async function restoreFromTrash(root: StorageRoot, trashKey: string, key: string): Promise<void> {
  let moved: boolean;
  try {
    moved = await moveToKey(root, pathOfKey(root, trashKey), key);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    await pruneEmptyParents(root, key);
    throw storageError('storage-missing', 'The film is not in the trash.', error);
  }
  if (!moved) throw storageError('storage-name-taken', 'Another film has this name now.');
  await moveIfThere(root, metadataKeyOf(trashKey), metadataKeyOf(key));
  await moveDerived(root, trashKey, key);
  await pruneEmptyParents(root, trashKey);
}
