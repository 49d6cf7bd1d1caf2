import { LRUCache } from 'lru-cache';
import type { GrantedAsset } from '../../../server/contracts';
import type { AssetPlan } from './asset-plan';
import { type FilmWorker, StalePlan } from './film-task';
import type { ReportEvent } from './packager-event';
import { SingleFlight } from './single-flight';

const MAX_PLANS = 512;
/** Whoever repairs a film need not restart anything. */
const PARTIAL_PLAN_MS = 60_000;

export interface FilmPlansOptions {
  worker: FilmWorker;
  resolve(storageKey: string): Promise<string>;
  report: ReportEvent;
}

/** Asked for with every segment; an asset that was granted never changes. */
const planKeys = new WeakMap<GrantedAsset, string>();

/** A ladder that grows gets a new plan even if the content version of the asset stays. */
function planKey(asset: GrantedAsset): string {
  const known = planKeys.get(asset);
  if (known !== undefined) return known;
  const renditions = asset.renditions.map(({ id, storageKey }) => [id, storageKey]);
  const key = JSON.stringify([asset.id, asset.contentVersion, renditions]);
  planKeys.set(asset, key);
  return key;
}

/** The plans of the assets played most recently, each made once however many ask. */
export class FilmPlans {
  readonly #plans = new LRUCache<string, AssetPlan>({ max: MAX_PLANS });
  readonly #planning = new SingleFlight<AssetPlan>();

  constructor(private readonly options: FilmPlansOptions) {}

  /** The plan, if it is there. */
  known(asset: GrantedAsset): AssetPlan | undefined {
    return this.#plans.get(planKey(asset));
  }

  /** Runs `attempt` with the plan of the asset, and once more with a new one when the film was replaced. */
  async use<T>(asset: GrantedAsset, attempt: (plan: AssetPlan) => Promise<T>): Promise<T> {
    const key = planKey(asset);
    try {
      return await attempt(await this.#planOf(asset, key));
    } catch (error) {
      if (!(error instanceof StalePlan)) throw error;
    }
    this.#plans.delete(key);
    return attempt(await this.#planOf(asset, key));
  }

  async #planOf(asset: GrantedAsset, key: string): Promise<AssetPlan> {
    return this.#plans.get(key) ?? this.#planning.run(key, () => this.#plan(asset, key));
  }

  async #plan({ renditions }: GrantedAsset, key: string): Promise<AssetPlan> {
    const { worker, resolve, report } = this.options;
    const found = await Promise.allSettled(
      renditions.map(async (rendition) => ({ ...rendition, path: await resolve(rendition.storageKey) })),
    );
    const stored = found.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    if (stored.length === 0) for (const one of found) if (one.status === 'rejected') throw one.reason;
    const plan = await worker.plan(stored);
    report('film-outlined');
    const isWhole = plan.isWhole && stored.length === renditions.length;
    if (!isWhole) report('rendition-left-out');
    this.#plans.set(key, plan, isWhole ? {} : { ttl: PARTIAL_PLAN_MS });
    return plan;
  }
}
