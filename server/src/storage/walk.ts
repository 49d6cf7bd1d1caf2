import { opendir } from 'node:fs/promises';
import path from 'node:path';
import { hasErrno } from './storage-error';
import type { StorageArea, StorageRoot } from './storage-root';

export interface StoredEntry {
  /** As a storage key is written; a foreign name may be none. */
  key: string;
  kind: 'file' | 'link' | 'other';
}

async function* below(root: StorageRoot, key: string): AsyncGenerator<StoredEntry> {
  try {
    for await (const entry of await opendir(path.join(root.path, key))) {
      const inner = `${key}/${entry.name}`;
      if (entry.isDirectory()) yield* below(root, inner);
      else yield { key: inner, kind: entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'other' };
    }
  } catch (error) {
    // It was emptied and pruned meanwhile.
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

/** Everything that lies in an area but directories. No symbolic link is followed. */
export function walkArea(root: StorageRoot, area: StorageArea): AsyncGenerator<StoredEntry> {
  return below(root, area);
}
