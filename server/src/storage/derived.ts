import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { type DerivedFile, derivedNameSchema } from '../../contracts';
import { DERIVED_SUFFIX, METADATA_SUFFIX } from './segment-name';
import { hasErrno } from './storage-error';
import { DIRECTORY_MODE, makeParentOfKey, pathOfKey, type StorageRoot } from './storage-root';

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

/**
 * What of the directory was made of the film, by its names. Whatever else somebody has put there, such as a folder of the site
 * that had this name before, is left alone: films, which have metadata beside them, and directories.
 */
async function madeIn(directory: string): Promise<{ made: string[]; isAll: boolean }> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = new Set(entries.map(({ name }) => name));
  const made = entries
    .filter((entry) => entry.isFile() && derivedNameSchema.safeParse(entry.name).success)
    .map(({ name }) => name)
    .filter((name) => !names.has(name + METADATA_SUFFIX));
  return { made, isAll: made.length === entries.length };
}

/** Without what is not the film's, it goes. */
async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY') && !hasErrno(error, 'EEXIST') && !hasErrno(error, 'ENOENT')) throw error;
  }
}

async function moveOneByOne(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: DIRECTORY_MODE });
  for (const name of (await madeIn(from)).made) await rename(path.join(from, name), path.join(to, name));
  await removeIfEmpty(from);
}

/** Moves what was made of a film to where the film is now. What there is none of is fine. */
export async function moveDerived(root: StorageRoot, fromFilmKey: string, toFilmKey: string): Promise<void> {
  const to = derivedDirectoryOf(toFilmKey);
  const [fromPath, toPath] = [pathOfKey(root, derivedDirectoryOf(fromFilmKey)), pathOfKey(root, to)];
  try {
    const { isAll } = await madeIn(fromPath);
    await makeParentOfKey(root, to);
    if (isAll) return await rename(fromPath, toPath);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    // Something was made while the film was on its way.
    if (!hasErrno(error, 'ENOTEMPTY') && !hasErrno(error, 'EEXIST')) throw error;
  }
  await moveOneByOne(fromPath, toPath);
}

export async function removeDerived(root: StorageRoot, filmKey: string): Promise<void> {
  const directory = pathOfKey(root, derivedDirectoryOf(filmKey));
  try {
    for (const name of (await madeIn(directory)).made) await rm(path.join(directory, name), { force: true });
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    throw error;
  }
  await removeIfEmpty(directory);
}
