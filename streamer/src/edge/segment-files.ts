import { LRUCache } from 'lru-cache';
import type { GrantedAsset } from '../../../server/contracts';
import { codeOf } from '../errors';

const REMEMBERED = { max: 10_000, ttl: 5_000 };

/** A segment as a whole file of the segment cache, ready for another process to send. */
export interface SegmentFile {
  /** Below the `segments/` folder of the cache; no path separators. */
  fileName: string;
  sizeBytes: number;
  mime: string;
  /** Strong, quotes included. */
  etag: string;
  durationSeconds: number;
}

/** What this folder needs of the packager. */
export interface SegmentFiles {
  /** Null: no such track or number. Rejects with `not-on-disk` where no file can be kept. */
  segmentFile(asset: GrantedAsset, trackId: string, number: number): Promise<SegmentFile | null>;
}

export interface WantedSegment {
  asset: GrantedAsset;
  track: string;
  number: number;
}

/** Null: no such segment, or no file of it; who can send from memory should. */
export async function fileOf(packager: SegmentFiles, wanted: WantedSegment): Promise<SegmentFile | null> {
  try {
    return await packager.segmentFile(wanted.asset, wanted.track, wanted.number);
  } catch (error) {
    if (codeOf(error) === 'not-on-disk') return null;
    throw error;
  }
}

/**
 * `fileOf`, which remembers an answer for some seconds. For who can do without the file: it may have fallen out of the cache
 * meanwhile.
 */
export function createFileMemory(packager: SegmentFiles): (wanted: WantedSegment) => Promise<SegmentFile | null> {
  const remembered = new LRUCache<string, SegmentFile>(REMEMBERED);
  return async (wanted) => {
    const { asset, track, number } = wanted;
    const key = `${asset.id}/${asset.contentVersion}/${track}/${number}`;
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const file = await fileOf(packager, wanted);
    if (file !== null) remembered.set(key, file);
    return file;
  };
}
