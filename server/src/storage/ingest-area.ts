import { readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { DerivedFile } from '../../contracts';
import { derivedKeyOf } from './derived';
import { hashKey, sizeOfKey } from './hash-key';
import { pruneEmptyParents } from './library';
import { hasErrno, storageError } from './storage-error';
import { makeParentOfKey, pathOfKey, type StorageRoot } from './storage-root';

/** Directory of one job: the only place below the storage root that a worker writes to. */
export const scratchKeyOf = (jobId: string): string => `ingest/${jobId}`;

/** Where one attempt puts a finished file. No two attempts share a name, so a late one overwrites nothing (S24). */
export function stagedKeyOf(jobId: string, attempt: number, name: string): string {
  return `${scratchKeyOf(jobId)}/${attempt}/${name}`;
}

/** Throws `storage-damaged` unless what lies there is what was reported. */
export async function checkStaged(root: StorageRoot, key: string, { sizeBytes, sha256 }: DerivedFile): Promise<void> {
  if ((await sizeOfKey(root, key)) === sizeBytes && (await hashKey(root, key)) === sha256) return;
  throw storageError('storage-damaged', 'What a worker made is not what it reported.');
}

/** Puts a checked file beside its film; one of the same name is replaced, as a whole. */
export async function placeStaged(root: StorageRoot, stagedKey: string, filmKey: string, name: string): Promise<void> {
  const target = derivedKeyOf(filmKey, name);
  await makeParentOfKey(root, target);
  await rename(pathOfKey(root, stagedKey), pathOfKey(root, target));
}

/** Undoes `placeStaged`. */
export async function unplaceStaged(root: StorageRoot, targetKey: string, stagedKey: string): Promise<void> {
  try {
    await makeParentOfKey(root, stagedKey);
    await rename(pathOfKey(root, targetKey), pathOfKey(root, stagedKey));
  } catch (error) {
    // It went with the film.
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
  await pruneEmptyParents(root, targetKey);
}

export async function removeScratch(root: StorageRoot, jobId: string): Promise<void> {
  await rm(pathOfKey(root, scratchKeyOf(jobId)), { recursive: true, force: true });
}

/** Ids of the jobs that have a directory which nobody has touched since `before`. */
export async function abandonedScratch(root: StorageRoot, before: Date): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(path.join(root.path, 'ingest'))) {
    try {
      if ((await stat(path.join(root.path, 'ingest', name))).mtimeMs < before.getTime()) found.push(name);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }
  return found;
}
