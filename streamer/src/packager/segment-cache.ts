import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { DiskCache, digestOf } from './disk-cache';
import type { ReportEvent } from './packager-event';

/** More writes than this at a time mean that the disk is slower than the cutting; the segment is then not kept. */
const MAX_PENDING_WRITES = 8;

export interface CachedSegment {
  bytes: Buffer;
  digest: string;
}

export interface SegmentCacheOptions {
  memoryCacheBytes: number;
  diskCacheBytes: number;
  cacheDir: string;
  report: ReportEvent;
}

/** Segments in memory, behind them on disk. A disk that fails costs speed, never an answer. */
export class SegmentCache {
  readonly #memory: LRUCache<string, CachedSegment> | null;
  readonly #disk: Promise<DiskCache | null>;
  readonly #writes = new Set<Promise<void>>();
  readonly #report: ReportEvent;

  constructor({ memoryCacheBytes, diskCacheBytes, cacheDir, report }: SegmentCacheOptions) {
    this.#report = report;
    this.#memory =
      memoryCacheBytes > 0
        ? new LRUCache({ maxSize: memoryCacheBytes, sizeCalculation: ({ bytes }) => Math.max(1, bytes.byteLength) })
        : null;
    this.#disk =
      diskCacheBytes > 0
        ? DiskCache.open(join(cacheDir, 'segments'), diskCacheBytes).catch(() => {
            report('disk-failed');
            return null;
          })
        : Promise.resolve(null);
  }

  get memoryBytes(): number {
    return this.#memory?.calculatedSize ?? 0;
  }

  inMemory(key: string): CachedSegment | undefined {
    const cached = this.#memory?.get(key);
    if (cached) this.#report('memory-hit');
    return cached;
  }

  /** From disk into memory. Null: not there, or not as it was written. */
  async fromDisk(key: string): Promise<CachedSegment | null> {
    const read = await (await this.#disk)?.read(key);
    if (read?.state === 'refused') this.#report('disk-refused');
    if (read?.state !== 'hit') return null;
    this.#report('disk-hit');
    return this.#remember(key, { bytes: read.bytes, digest: read.digest });
  }

  /** Keeps a segment. It can be sent at once: the disk is written behind the caller's back. */
  keep(key: string, bytes: Buffer): CachedSegment {
    const segment = { bytes, digest: digestOf(bytes) };
    if (this.#writes.size < MAX_PENDING_WRITES) {
      const write: Promise<void> = this.#write(key, segment).finally(() => this.#writes.delete(write));
      this.#writes.add(write);
    }
    return this.#remember(key, segment);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writes);
    await (await this.#disk)?.settled();
    this.#memory?.clear();
  }

  #remember(key: string, segment: CachedSegment): CachedSegment {
    this.#memory?.set(key, segment);
    return segment;
  }

  async #write(key: string, { bytes, digest }: CachedSegment): Promise<void> {
    try {
      await (await this.#disk)?.write(key, bytes, digest);
    } catch {
      // A full disk must not end playback; the report is for the operator.
      this.#report('disk-failed');
    }
  }
}
