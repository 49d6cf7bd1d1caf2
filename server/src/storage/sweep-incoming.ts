import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { hasErrno } from './storage-error';
import type { StorageRoot } from './storage-root';

export interface SweepRequest {
  /** What has been written to or linked since stays. */
  before: Date;
  /** Ids of uploads that may go on, however long they have waited. */
  spared: ReadonlySet<string>;
}

/** Removes what lies in `incoming/` and nobody will ask for any more; answers how many files went. */
export async function sweepIncoming(root: StorageRoot, { before, spared }: SweepRequest): Promise<number> {
  const directory = path.join(root.path, 'incoming');
  let removed = 0;
  for (const name of await readdir(directory)) {
    if (spared.has(name.split('.', 1)[0] ?? '')) continue;
    const target = path.join(directory, name);
    try {
      // Not the time of the last write: that of a film that was linked here may be years ago.
      if ((await stat(target)).ctimeMs >= before.getTime()) continue;
      await rm(target, { force: true });
      removed += 1;
    } catch (error) {
      // Another node may sweep at the same time.
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }
  return removed;
}
