import { LRUCache } from 'lru-cache';
import type { GrantedAsset } from '../../../server/contracts';
import { type AssetPlan, planAsset } from './asset-plan';
import { CutSlots } from './cut-slots';
import type { Film } from './film';
import { FilmPool } from './film-pool';
import type { ReportEvent } from './packager-event';
import { asPackagingError, PackagingError } from './packaging-error';
import type { PacketRun, StreamOutline } from './packet-run';
import type { Presentation } from './presentation';
import { type CachedSegment, SegmentCache } from './segment-cache';
import { cutInitSegment, cutSegment } from './segment-cut';
import { segmentKey } from './segment-key';
import { SingleFlight } from './single-flight';
import type { TrackPlan } from './track-plan';

export type { PackagerEvent } from './packager-event';
export type { Presentation } from './presentation';

/** An open film holds a file handle, up to 8 MiB of read-ahead and its sample tables. */
const MAX_OPEN_FILMS = 24;
const MAX_PLANS = 512;
/** Each cut holds its segment in memory, and Node cuts on one thread anyway. */
const MAX_PARALLEL_CUTS = 4;

export interface PackagerOptions {
  /** 0 turns either cache off. */
  memoryCacheBytes: number;
  diskCacheBytes: number;
  /** Created when it is missing; the packager keeps to `segments/` in it. */
  cacheDir: string;
  /** Resolves a storage key to a real path that lies under the storage root; rejects otherwise. */
  resolve(storageKey: string): Promise<string>;
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

/** Every method rejects with `PackagingError` only. The bytes are shared: callers must not change them. */
export interface Packager {
  presentation(asset: GrantedAsset): Promise<Presentation>;
  /** Null: no such track. */
  initSegment(asset: GrantedAsset, trackId: string): Promise<PackagedSegment | null>;
  /** Null: no such track or number. Numbers start at 1. */
  segment(asset: GrantedAsset, trackId: string, number: number): Promise<PackagedSegment | null>;
  /** What a continuous stream (RTMP, FLV) of the asset carries. */
  streamOutline(asset: GrantedAsset): Promise<StreamOutline>;
  /** The packets of run `index` (from 0); null: there is no such run. */
  packetRun(asset: GrantedAsset, index: number): Promise<PacketRun | null>;
  /** Waits for what is in flight, then closes every film. Later calls are refused. */
  close(): Promise<void>;
}

/** The file is not the one the plan was made from. */
class StalePlan extends Error {}

class JustInTimePackager implements Packager {
  readonly #films = new FilmPool(MAX_OPEN_FILMS);
  readonly #plans = new LRUCache<string, AssetPlan>({ max: MAX_PLANS });
  readonly #planning = new SingleFlight<AssetPlan>();
  readonly #cutting = new SingleFlight<CachedSegment>();
  readonly #slots = new CutSlots(MAX_PARALLEL_CUTS);
  readonly #segments: SegmentCache;
  readonly #report: ReportEvent;
  #closed = false;

  constructor(private readonly options: PackagerOptions) {
    this.#report = options.onEvent ?? (() => undefined);
    this.#segments = new SegmentCache({ ...options, report: this.#report });
  }

  async presentation(asset: GrantedAsset): Promise<Presentation> {
    return (await this.#planOf(asset)).presentation;
  }

  async initSegment(asset: GrantedAsset, trackId: string): Promise<PackagedSegment | null> {
    return this.#package(asset, trackId, 0);
  }

  async segment(asset: GrantedAsset, trackId: string, number: number): Promise<PackagedSegment | null> {
    return Number.isSafeInteger(number) && number >= 1 ? this.#package(asset, trackId, number) : null;
  }

  async streamOutline(_asset: GrantedAsset): Promise<StreamOutline> {
    throw new PackagingError('unsupported-codec', 'continuous streams are not built yet');
  }

  async packetRun(_asset: GrantedAsset, _index: number): Promise<PacketRun | null> {
    throw new PackagingError('unsupported-codec', 'continuous streams are not built yet');
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#planning.settled();
    await this.#cutting.settled();
    await this.#segments.close();
    await this.#films.close();
  }

  async #planOf(asset: GrantedAsset): Promise<AssetPlan> {
    if (this.#closed) throw new PackagingError('asset-unreadable', 'the packager is closed');
    const key = planKey(asset);
    return this.#plans.get(key) ?? this.#planning.run(key, () => this.#plan(asset, key));
  }

  async #plan(asset: GrantedAsset, key: string): Promise<AssetPlan> {
    try {
      const plan = await planAsset(asset, (storageKey, task) => this.#useFilm(storageKey, task));
      this.#report('film-outlined');
      this.#plans.set(key, plan);
      return plan;
    } catch (error) {
      throw asPackagingError(error);
    }
  }

  async #useFilm<T>(storageKey: string, task: (film: Film) => Promise<T>): Promise<T> {
    return this.#films.use(await this.options.resolve(storageKey), task);
  }

  async #package(asset: GrantedAsset, trackId: string, number: number): Promise<PackagedSegment | null> {
    try {
      return await this.#attempt(asset, trackId, number);
    } catch (error) {
      if (!(error instanceof StalePlan)) throw asPackagingError(error);
    }
    this.#plans.delete(planKey(asset));
    return this.#attempt(asset, trackId, number).catch((error) => {
      throw asPackagingError(error);
    });
  }

  async #attempt(asset: GrantedAsset, trackId: string, number: number): Promise<PackagedSegment | null> {
    const plan = (await this.#planOf(asset)).tracks.get(trackId);
    if (!plan || number > plan.track.segments.length) return null;
    const key = segmentKey(asset, plan, number);
    const { bytes, digest } =
      this.#segments.inMemory(key) ?? (await this.#cutting.run(key, () => this.#produce(key, plan, number)));
    const durationSeconds = plan.track.segments[number - 1]?.durationSeconds ?? 0;
    return { bytes, durationSeconds, mime: plan.track.mime, etag: `"${digest.slice(0, 32)}"` };
  }

  async #produce(key: string, plan: TrackPlan, number: number): Promise<CachedSegment> {
    const kept = await this.#segments.fromDisk(key);
    if (kept) return kept;
    const bytes = await this.#slots.run(() =>
      this.#useFilm(plan.rendition.storageKey, (film) => {
        if (film.stamp !== plan.stamp) throw new StalePlan();
        return number === 0 ? cutInitSegment(film, plan) : cutSegment(film, plan, number);
      }),
    );
    this.#report('segment-cut');
    return this.#segments.keep(key, bytes);
  }
}

/** A ladder that grows gets a new plan even if the content version of the asset stays. */
function planKey(asset: GrantedAsset): string {
  return JSON.stringify([
    asset.id,
    asset.contentVersion,
    asset.renditions.map(({ id, storageKey }) => [id, storageKey]),
  ]);
}

export function createPackager(options: PackagerOptions): Packager {
  return new JustInTimePackager(options);
}
