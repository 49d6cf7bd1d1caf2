import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { DerivedFile } from '../../contracts';
import { DERIVED_SUFFIX } from './segment-name';
import { hasErrno } from './storage-error';
import { makeParentOfKey, pathOfKey, type StorageRoot } from './storage-root';

/** The directory beside a film in which lies what was made of it; no film and no folder can have its name. */
export function derivedDirectoryOf(filmKey: string): string {
  return filmKey + DERIVED_SUFFIX;
}

/** Where a made file lies: it follows from where the film lies, so that moving the film says it all. */
export function derivedKeyOf(filmKey: string, name: string): string {
  return `${derivedDirectoryOf(filmKey)}/${name}`;
}

/** The key of the film that a made file belongs to; null: this is none. */
export function filmKeyOfDerived(key: string): string | null {
  const directory = path.posix.dirname(key);
  return directory.endsWith(DERIVED_SUFFIX) ? directory.slice(0, -DERIVED_SUFFIX.length) : null;
}

/** With what has just been made in place of what had the same names. */
export function withDerived(known: readonly DerivedFile[], made: readonly DerivedFile[]): DerivedFile[] {
  const names = new Set(made.map(({ name }) => name));
  return [...known.filter(({ name }) => !names.has(name)), ...made];
}

async function moveOneByOne(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) await rename(path.join(from, name), path.join(to, name));
  await rmdir(from);
}

/** Moves what was made of a film to where the film is now. What there is none of is fine. */
export async function moveDerived(root: StorageRoot, fromFilmKey: string, toFilmKey: string): Promise<void> {
  const [from, to] = [derivedDirectoryOf(fromFilmKey), derivedDirectoryOf(toFilmKey)];
  try {
    await makeParentOfKey(root, to);
    await rename(pathOfKey(root, from), pathOfKey(root, to));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    // Something was made while the film was on its way.
    if (!hasErrno(error, 'ENOTEMPTY') && !hasErrno(error, 'EEXIST')) throw error;
    await moveOneByOne(pathOfKey(root, from), pathOfKey(root, to));
  }
}

export async function removeDerived(root: StorageRoot, filmKey: string): Promise<void> {
  await rm(pathOfKey(root, derivedDirectoryOf(filmKey)), { recursive: true, force: true });
}
