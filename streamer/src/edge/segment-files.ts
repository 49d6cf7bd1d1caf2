import { LRUCache } from 'lru-cache';
import type { GrantedAsset } from '../../../server/contracts';
import { codeOf } from '../errors';

const MAX_REMEMBERED = 10_000;

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

function keyOf({ asset, track, number }: WantedSegment): string {
  return `${asset.id}/${asset.contentVersion}/${track}/${number}`;
}

/** Null: no such segment, or no file of it; who can send from memory should. */
async function fileOf(packager: SegmentFiles, wanted: WantedSegment): Promise<SegmentFile | null> {
  try {
    return await packager.segmentFile(wanted.asset, wanted.track, wanted.number);
  } catch (error) {
    if (codeOf(error) === 'not-on-disk') return null;
    throw error;
  }
}

/** `fileOf`, which remembers its answers for a while: the file may have fallen out of the cache meanwhile. */
export class FileMemory {
  readonly #remembered: LRUCache<string, SegmentFile>;

  constructor(
    private readonly packager: SegmentFiles,
    ttlMs: number,
  ) {
    this.#remembered = new LRUCache({ max: MAX_REMEMBERED, ttl: ttlMs });
  }

  known(wanted: WantedSegment): SegmentFile | undefined {
    return this.#remembered.get(keyOf(wanted));
  }

  async find(wanted: WantedSegment): Promise<SegmentFile | null> {
    const known = this.known(wanted);
    if (known !== undefined) return known;
    const file = await fileOf(this.packager, wanted);
    if (file !== null) this.#remembered.set(keyOf(wanted), file);
    return file;
  }
}
