import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { hasErrno } from './storage-error';
import type { StorageRoot } from './storage-root';

/** Removes what lies in `incoming/` and has not been written to since `before`; answers how many files went. */
export async function sweepIncoming(root: StorageRoot, before: Date): Promise<number> {
  const directory = path.join(root.path, 'incoming');
  let removed = 0;
  for (const name of await readdir(directory)) {
    const target = path.join(directory, name);
    try {
      if ((await stat(target)).mtimeMs >= before.getTime()) continue;
      await rm(target, { force: true });
      removed += 1;
    } catch (error) {
      // Another node may sweep at the same time.
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }
  return removed;
}
