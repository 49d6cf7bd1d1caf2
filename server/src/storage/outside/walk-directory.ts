import { readdir } from 'node:fs/promises';
import path from 'node:path';

export interface OutsideEntry {
  /** POSIX, relative to the directory that is walked. */
  name: string;
  kind: 'file' | 'hidden' | 'symbolic-link' | 'not-a-file' | 'unreadable';
}

/**
 * Everything below a directory outside the storage root, in the order of names. No symbolic link is followed, and what
 * lies below a hidden directory is not looked at.
 */
export async function* walkDirectory(directory: string, below = ''): AsyncGenerator<OutsideEntry> {
  let entries: Awaited<ReturnType<typeof list>>;
  try {
    entries = await list(path.join(directory, ...below.split('/')));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    yield { name: below, kind: 'unreadable' };
    return;
  }
  for (const entry of entries) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.name.startsWith('.')) yield { name, kind: 'hidden' };
    else if (entry.isSymbolicLink()) yield { name, kind: 'symbolic-link' };
    else if (entry.isDirectory()) yield* walkDirectory(directory, name);
    else yield { name, kind: entry.isFile() ? 'file' : 'not-a-file' };
  }
}

/** It may not be read, has gone meanwhile, or its path is too long: the others are read all the same. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'errno' in error;
}

async function list(directory: string) {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
