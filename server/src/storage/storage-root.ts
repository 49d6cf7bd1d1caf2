import { constants, mkdirSync, realpathSync } from 'node:fs';
import { type FileHandle, mkdir, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { isStorageKey } from '../../contracts';
import { hasErrno, storageError } from './storage-error';

export const DIRECTORY_MODE = 0o700;
export const FILE_MODE = 0o600;

/** The areas below a storage root. `ingest`: what workers are making. */
export type StorageArea = 'library' | 'incoming' | 'trash' | 'cache' | 'ingest';
export const STORAGE_AREAS: readonly StorageArea[] = ['library', 'incoming', 'trash', 'cache', 'ingest'];

/** A storage root that exists, is private to this user and has been resolved: `path` contains no symbolic link. */
export interface StorageRoot {
  readonly path: string;
}

/** Of resolved paths; a directory lies within itself. */
export function liesWithin(parent: string, child: string): boolean {
  return child === parent || child.startsWith(parent + path.sep);
}

function realpathOrSelf(target: string): string {
  try {
    return realpathSync(target);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return path.resolve(target);
    throw error;
  }
}

/**
 * Makes the root and its areas (0700) and resolves it. Throws `storage-unsafe-root` if, after resolving, it lies in or
 * around `publicDirectory`: whatever the web server hands out must never hold a film.
 */
export function openStorageRoot(root: string, publicDirectory: string): StorageRoot {
  mkdirSync(root, { recursive: true, mode: DIRECTORY_MODE });
  const resolved = realpathSync(root);
  const publicPath = realpathOrSelf(publicDirectory);
  if (liesWithin(publicPath, resolved) || liesWithin(resolved, publicPath)) {
    throw storageError(
      'storage-unsafe-root',
      'storage.root must not overlap the public directory of the app: its files would be served to anybody.',
    );
  }
  for (const area of STORAGE_AREAS) {
    const areaPath = path.join(resolved, area);
    mkdirSync(areaPath, { recursive: true, mode: DIRECTORY_MODE });
    if (realpathSync(areaPath) !== areaPath) {
      throw storageError('storage-unsafe-root', `The storage area "${area}" must not be a symbolic link.`);
    }
  }
  return { path: resolved };
}

/** Where a key lies, by text alone: symbolic links have not been looked at. Throws `storage-invalid-key`. */
export function pathOfKey(root: StorageRoot, key: string): string {
  if (!isStorageKey(key)) throw storageError('storage-invalid-key', 'This is not a storage key.');
  return path.join(root.path, ...key.split('/'));
}

/** Makes the directories above a key (0700) and checks that none of them leads out of the root. */
export async function makeParentOfKey(root: StorageRoot, key: string): Promise<void> {
  const parent = path.dirname(pathOfKey(root, key));
  await mkdir(parent, { recursive: true, mode: DIRECTORY_MODE });
  // The root has been resolved, so a path without symbolic links resolves to itself.
  if ((await realpath(parent)) !== parent) {
    throw storageError('storage-outside-root', 'A directory of the storage root is a symbolic link.');
  }
}

/**
 * Opens a stored file for reading. What is opened is a plain file that lies under the root without any symbolic link
 * on the way. Throws `storage-invalid-key`, `storage-missing` or `storage-outside-root`.
 */
export async function openKey(root: StorageRoot, key: string): Promise<FileHandle> {
  const target = pathOfKey(root, key);
  let handle: FileHandle;
  try {
    if ((await realpath(target)) !== target) {
      throw storageError('storage-outside-root', 'A stored file is reached through a symbolic link.');
    }
    handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) {
      throw storageError('storage-missing', 'There is no file at this storage key.', error);
    }
    if (hasErrno(error, 'ELOOP')) {
      throw storageError('storage-outside-root', 'A stored file is a symbolic link.', error);
    }
    throw error;
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw storageError('storage-missing', 'There is no plain file at this storage key.');
}
