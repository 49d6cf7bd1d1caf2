import { lstat, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { hasErrno } from '../../storage/storage-error';
import type { StorageArea, StorageRoot } from '../../storage/storage-root';
import { walkArea } from '../../storage/walk';
import { getService } from '../get-service';
import { createLedger } from './ledger';

export interface FilmCount {
  films: number;
  bytes: number;
}

export interface StorageStats {
  ready: FilmCount & { smallestBytes: number; largestBytes: number };
  /** In the library for those who watch them still. */
  replaced: FilmCount;
  trashed: FilmCount;
  /** What lies in the areas, metadata and all. */
  areas: Record<StorageArea, { files: number; bytes: number }>;
  freeBytes: number;
}

async function sizeOfArea(root: StorageRoot, area: StorageArea): Promise<{ files: number; bytes: number }> {
  const sum = { files: 0, bytes: 0 };
  for await (const { key, kind } of walkArea(root, area)) {
    if (kind !== 'file') continue;
    try {
      sum.bytes += (await lstat(path.join(root.path, key))).size;
      sum.files += 1;
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }
  return sum;
}

/** What is stored, by the rows and by the disk. */
export async function readStats(strapi: Core.Strapi): Promise<StorageStats> {
  const { root } = getService(strapi, 'storage');
  const ready = { films: 0, bytes: 0, smallestBytes: Number.POSITIVE_INFINITY, largestBytes: 0 };
  const counts = { ready, replaced: { films: 0, bytes: 0 }, trashed: { films: 0, bytes: 0 } };
  for await (const { state, sizeBytes } of createLedger(strapi).films()) {
    counts[state].films += 1;
    counts[state].bytes += sizeBytes;
    if (state !== 'ready') continue;
    ready.smallestBytes = Math.min(ready.smallestBytes, sizeBytes);
    ready.largestBytes = Math.max(ready.largestBytes, sizeBytes);
  }
  if (ready.films === 0) ready.smallestBytes = 0;
  const { bavail, bsize } = await statfs(root.path);
  const areas = {
    library: await sizeOfArea(root, 'library'),
    trash: await sizeOfArea(root, 'trash'),
    incoming: await sizeOfArea(root, 'incoming'),
    cache: await sizeOfArea(root, 'cache'),
    ingest: await sizeOfArea(root, 'ingest'),
  };
  return { ...counts, areas, freeBytes: bavail * bsize };
}
