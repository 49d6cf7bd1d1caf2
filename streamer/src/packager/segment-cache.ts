import { join } from 'node:path';
import { DiskCache, type DiskFile } from './disk-cache';
import type { CachedSegment, MemoryCache } from './memory-cache';
import type { ReportEvent } from './packager-event';

/** More writes than this at a time mean that the disk is slower than the cutting; the segment is then not kept. */
const MAX_PENDING_WRITES = 8;

export interface SegmentCacheOptions {
  memory: MemoryCache;
  diskCacheBytes: number;
  cacheDir: string;
  report: ReportEvent;
}

/** Segments in memory, behind them on disk. A disk that fails costs speed, never an answer. */
export class SegmentCache {
  readonly #memory: MemoryCache;
  readonly #disk: Promise<DiskCache | null>;
  readonly #writes = new Map<string, Promise<void>>();
  readonly #report: ReportEvent;

  constructor({ memory, diskCacheBytes, cacheDir, report }: SegmentCacheOptions) {
    this.#report = report;
    this.#memory = memory;
    this.#disk =
      diskCacheBytes > 0
        ? DiskCache.open(join(cacheDir, 'segments'), diskCacheBytes).catch(() => {
            report('disk-failed');
            return null;
          })
        : Promise.resolve(null);
  }

  inMemory(key: string): CachedSegment | undefined {
    const cached = this.#memory.segment(key);
    if (cached) this.#report('memory-hit');
    return cached;
  }

  /** From disk into memory. Null: not there, or not as it was written. */
  async fromDisk(key: string): Promise<CachedSegment | null> {
    const read = await (await this.#disk)?.read(key);
    if (read?.state === 'refused') this.#report('disk-refused');
    if (read?.state !== 'hit') return null;
    this.#report('disk-hit');
    const segment = { bytes: read.bytes, digest: read.digest };
    this.#memory.keepSegment(key, segment);
    return segment;
  }

  /** Keeps a segment. It can be sent at once: the disk is written behind the caller's back. */
  keep(key: string, segment: CachedSegment): CachedSegment {
    this.#memory.keepSegment(key, segment);
    if (this.#writes.size < MAX_PENDING_WRITES) void this.#write(key, segment);
    return segment;
  }

  /** The segment as a complete file. Null: it is not on disk. */
  async file(key: string): Promise<DiskFile | null> {
    await this.#writes.get(key);
    const found = await (await this.#disk)?.file(key);
    if (found?.state === 'refused') this.#report('disk-refused');
    return found?.state === 'hit' ? found.file : null;
  }

  /** Like `file`, but first writes `segment` where it is missing. Null: the disk does not take it. */
  async fileOf(key: string, segment: CachedSegment): Promise<DiskFile | null> {
    const kept = await this.file(key);
    if (kept) return kept;
    await this.#write(key, segment);
    return this.file(key);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writes.values());
    await (await this.#disk)?.settled();
    this.#memory.clear();
  }

  #write(key: string, segment: CachedSegment): Promise<void> {
    const running = this.#writes.get(key);
    if (running) return running;
    const write = this.#writeToDisk(key, segment).finally(() => this.#writes.delete(key));
    this.#writes.set(key, write);
    return write;
  }

  async #writeToDisk(key: string, { bytes, digest }: CachedSegment): Promise<void> {
    try {
      await (await this.#disk)?.write(key, bytes, digest);
    } catch {
      // A full disk must not end playback; the report is for the operator.
      this.#report('disk-failed');
    }
  }
}
