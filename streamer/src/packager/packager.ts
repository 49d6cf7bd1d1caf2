import type { GrantedAsset } from '../../../server/contracts';
import { FilmPlans } from './film-plans';
import { MemoryCache } from './memory-cache';
import type { ReportEvent } from './packager-event';
import { asPackagingError, PackagingError } from './packaging-error';
import type { PacketRun, StreamOutline } from './packet-run';
import type { Presentation } from './presentation';
import { RunSupply } from './run-supply';
import { SegmentCache } from './segment-cache';
import { SegmentSupply, type WantedSegment } from './segment-supply';
import { FilmThreads, type FilmThreadsOptions } from './threads/film-threads';

export type { PackagerEvent } from './packager-event';
export type { Presentation } from './presentation';

export interface PackagerOptions {
  /** 0 turns either cache off. */
  memoryCacheBytes: number;
  diskCacheBytes: number;
  /** Created when it is missing; the packager keeps to `segments/` in it. */
  cacheDir: string;
  /** Resolves a storage key to a real path that lies under the storage root; rejects otherwise. */
  resolve(storageKey: string): Promise<string>;
  threads: Omit<FilmThreadsOptions, 'onLost'>;
  onEvent?: ReportEvent;
}

export interface PackagedSegment {
  bytes: Buffer;
  /** 0 for an init segment. */
  durationSeconds: number;
  /** `video/mp4` or `audio/mp4`. */
  mime: string;
  /** Strong validator, quotes included (RFC 9110 §8.8.3); equal for equal bytes only. */
  etag: string;
}

/** A segment as a complete file of the disk cache. Read-only; least recently used files go when the cache is full. */
export interface SegmentFile extends Omit<PackagedSegment, 'bytes'> {
  /** Within `segments/` of the cache directory: `[0-9a-f]{32}.[0-9a-f]{32}.m4s`. */
  fileName: string;
  path: string;
  sizeBytes: number;
}

/** Every method rejects with `PackagingError` only. The bytes are shared: callers must not change them. */
export interface Packager {
  presentation(asset: GrantedAsset): Promise<Presentation>;
  /** Null: no such track. */
  initSegment(asset: GrantedAsset, trackId: string): Promise<PackagedSegment | null>;
  /** Null: no such track or number. Numbers start at 1. */
  segment(asset: GrantedAsset, trackId: string, number: number): Promise<PackagedSegment | null>;
  /** Segment `number` at once; null: it is not in memory, or there is none. */
  segmentInMemory(asset: GrantedAsset, trackId: string, number: number): PackagedSegment | null;
  /**
   * Segment `number`, or the init segment for 0, as a file that is completely written; cuts it where need be. Null: no such
   * track or number. Rejects with `not-on-disk` when the disk cache is off or the disk does not take it.
   */
  segmentFile(asset: GrantedAsset, trackId: string, number: number): Promise<SegmentFile | null>;
  /** What a continuous stream (RTMP, FLV) of the asset carries. */
  streamOutline(asset: GrantedAsset): Promise<StreamOutline>;
  /** The packets of run `index` (from 0); null: there is no such run. */
  packetRun(asset: GrantedAsset, index: number): Promise<PacketRun | null>;
  /** Waits for what is in flight, then closes every film. Later calls are refused. */
  close(): Promise<void>;
}

class JustInTimePackager implements Packager {
  readonly #threads: FilmThreads;
  readonly #plans: FilmPlans;
  readonly #cache: SegmentCache;
  readonly #segments: SegmentSupply;
  readonly #runs: RunSupply;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: PackagerOptions) {
    const { resolve, memoryCacheBytes, onEvent: report = () => undefined } = options;
    const memory = new MemoryCache(memoryCacheBytes);
    const worker = new FilmThreads({ ...options.threads, onLost: () => report('thread-lost') });
    this.#threads = worker;
    this.#plans = new FilmPlans({ worker, resolve, report });
    this.#cache = new SegmentCache({ ...options, memory, report });
    this.#segments = new SegmentSupply({ worker, resolve, cache: this.#cache, report });
    this.#runs = new RunSupply({ worker, resolve, memory });
  }

  presentation(asset: GrantedAsset): Promise<Presentation> {
    return this.#answer(() => this.#plans.use(asset, async ({ presentation }) => presentation));
  }

  initSegment(asset: GrantedAsset, trackId: string): Promise<PackagedSegment | null> {
    return this.#withSegment(asset, trackId, 0, (wanted) => this.#package(wanted));
  }

  async segment(asset: GrantedAsset, trackId: string, number: number): Promise<PackagedSegment | null> {
    return number >= 1 ? this.#withSegment(asset, trackId, number, (wanted) => this.#package(wanted)) : null;
  }

  segmentInMemory(asset: GrantedAsset, trackId: string, number: number): PackagedSegment | null {
    const plan = this.#plans.known(asset)?.tracks.get(trackId);
    if (plan === undefined || number < 1 || number > plan.track.segments.length) return null;
    const kept = this.#segments.inMemory({ asset, plan, number });
    return kept === undefined ? null : { bytes: kept.bytes, ...describe({ asset, plan, number }, kept.digest) };
  }

  segmentFile(asset: GrantedAsset, trackId: string, number: number): Promise<SegmentFile | null> {
    return this.#withSegment(asset, trackId, number, (wanted) => this.#packageFile(wanted));
  }

  streamOutline(asset: GrantedAsset): Promise<StreamOutline> {
    return this.#answer(() => this.#plans.use(asset, (plan) => this.#runs.outline(plan)));
  }

  packetRun(asset: GrantedAsset, index: number): Promise<PacketRun | null> {
    return this.#answer(() => this.#plans.use(asset, (plan) => this.#runs.take(asset, plan, index)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
    await this.#cache.close();
    await this.#threads.close();
  }

  async #answer<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new PackagingError('asset-unreadable', 'the packager is closed');
    const running = task();
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw asPackagingError(error);
    } finally {
      this.#running.delete(running);
    }
  }

  #withSegment<T>(
    asset: GrantedAsset,
    trackId: string,
    number: number,
    take: (wanted: WantedSegment) => Promise<T>,
  ): Promise<T | null> {
    return this.#answer(() =>
      this.#plans.use(asset, async ({ tracks }) => {
        const plan = tracks.get(trackId);
        const exists = plan && Number.isSafeInteger(number) && number >= 0 && number <= plan.track.segments.length;
        return exists ? take({ asset, plan, number }) : null;
      }),
    );
  }

  async #package(wanted: WantedSegment): Promise<PackagedSegment> {
    const { bytes, digest } = await this.#segments.take(wanted);
    return { bytes, ...describe(wanted, digest) };
  }

  async #packageFile(wanted: WantedSegment): Promise<SegmentFile> {
    const file = await this.#segments.takeFile(wanted);
    if (!file) throw new PackagingError('not-on-disk', 'the segment cannot be kept on disk');
    const { fileName, path, bytes, digest } = file;
    return { fileName, path, sizeBytes: bytes, ...describe(wanted, digest) };
  }
}

function describe({ plan, number }: WantedSegment, digest: string): Omit<PackagedSegment, 'bytes'> {
  const durationSeconds = plan.track.segments[number - 1]?.durationSeconds ?? 0;
  return { durationSeconds, mime: plan.track.mime, etag: `"${digest}"` };
}

export function createPackager(options: PackagerOptions): Packager {
  return new JustInTimePackager(options);
}
