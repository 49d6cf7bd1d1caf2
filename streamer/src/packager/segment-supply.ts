import type { GrantedAsset } from '../../../server/contracts';
import type { DiskFile } from './disk-cache';
import type { FilmWorker } from './film-task';
import type { CachedSegment } from './memory-cache';
import type { ReportEvent } from './packager-event';
import type { SegmentCache } from './segment-cache';
import { segmentKey } from './segment-key';
import { orderSegment } from './segment-order';
import { SingleFlight } from './single-flight';
import type { TrackPlan } from './track-plan';

/** A segment of a plan; number 0 is the init segment. */
export interface WantedSegment {
  asset: GrantedAsset;
  plan: TrackPlan;
  number: number;
}

export interface SegmentSupplyOptions {
  worker: FilmWorker;
  resolve(storageKey: string): Promise<string>;
  cache: SegmentCache;
  report: ReportEvent;
}

/** Segments from memory, disk or the film, each cut once however many ask at the same time. */
export class SegmentSupply {
  readonly #cutting = new SingleFlight<CachedSegment>();

  constructor(private readonly options: SegmentSupplyOptions) {}

  inMemory({ asset, plan, number }: WantedSegment): CachedSegment | undefined {
    return this.options.cache.inMemory(segmentKey(asset, plan, number));
  }

  async take({ asset, plan, number }: WantedSegment): Promise<CachedSegment> {
    const key = segmentKey(asset, plan, number);
    return this.options.cache.inMemory(key) ?? this.#cutting.run(key, () => this.#produce(key, plan, number));
  }

  /** As a complete file of the disk cache. Null: the disk does not take it. */
  async takeFile(wanted: WantedSegment): Promise<DiskFile | null> {
    const key = segmentKey(wanted.asset, wanted.plan, wanted.number);
    const { cache } = this.options;
    return (await cache.file(key)) ?? cache.fileOf(key, await this.take(wanted));
  }

  async #produce(key: string, plan: TrackPlan, number: number): Promise<CachedSegment> {
    const { worker, resolve, cache, report } = this.options;
    const kept = await cache.fromDisk(key);
    if (kept) return kept;
    const path = await resolve(plan.rendition.storageKey);
    const cut = await worker.cutSegment(
      { path, stamp: plan.stamp, packets: plan.filmPackets },
      orderSegment(plan, number),
    );
    report('segment-cut');
    return cache.keep(key, cut);
  }
}
