import type { Core } from '@strapi/strapi';
import {
  type ClaimAnswer,
  type ClaimRequest,
  filmLimitsSchema,
  type IngestJob,
  type IngestReason,
  type JobReport,
  type JobReportAnswer,
  rungKindOf,
} from '../../../contracts';
import { configOf } from '../../config';
import { VodError } from '../../errors';
import { scratchKeyOf, stagedKeyOf } from '../../storage/ingest-area';
import { isDiskFull } from '../../storage/storage-error';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import { accept } from './acceptance';
import type { JobRow } from './job-row';
import { createJobStore, type Fence, type JobStore } from './job-store';
import { planOf, renditionOfOutput } from './kinds';
import { rungOrderOf } from './ladder';
import { isWithinLimits } from './learned-facts';
import { createRetries } from './retries';
import { createUpkeep, type IngestUpkeep } from './upkeep';

export interface IngestService extends IngestUpkeep {
  readonly store: JobStore;
  /** Gives a job that is due to exactly one of all workers that ask, on whatever node. */
  claim(request: ClaimRequest): Promise<ClaimAnswer>;
  /** Null: the report is late (S24), or of a job that nobody knows. */
  report(id: string, report: JobReport): Promise<JobReportAnswer | null>;
  /** Tries again what was given up, of one film or of all. Resolves to how many jobs that are. */
  retry(assetId: string | null): Promise<number>;
}

/** Why what a worker delivered is not taken; null: nobody knows. */
function refusalOf(error: unknown): IngestReason | null {
  if (isDiskFull(error)) return 'disk-full';
  return error instanceof VodError ? 'output-invalid' : null;
}

/** What is to be made of stored films, in Strapi's own database, and the workers that make it. */
export function createIngestService({ strapi }: { strapi: Core.Strapi }): IngestService {
  const { ingest: settings, inspection } = configOf(strapi);
  const { leaseSeconds } = settings;
  const limits = filmLimitsSchema.parse(inspection);
  const retries = createRetries(settings);
  const store = createJobStore(strapi);
  const upkeep = createUpkeep(strapi, store);

  const giveBack = (row: JobRow, fence: Fence, reason: IngestReason) =>
    store.fail(fence, { reason, ...retries.after(row.failures, reason) });

  function jobFrom(row: JobRow, attempt: number, asset: Asset): IngestJob {
    const { document_id: id, kind } = row;
    const { storageKey, durationSeconds } = asset;
    const outputs = (planOf(kind)?.outputs ?? []).map((name) => ({ name, storageKey: stagedKeyOf(id, attempt, name) }));
    const source = { storageKey, durationSeconds, ...(!isWithinLimits(asset) && { limits }) };
    const rung = rungOrderOf(kind, asset, settings);
    const order = {
      id,
      asset: asset.documentId,
      kind,
      attempt,
      leaseSeconds,
      source,
      scratch: scratchKeyOf(id),
      outputs,
    };
    return rung === null ? order : { ...order, rung };
  }

  /** Null: it has nothing to be made of now. */
  async function begin(row: JobRow, fence: Fence): Promise<IngestJob | null> {
    const asset = await getService(strapi, 'asset').findById(row.asset);
    if (asset?.state === 'ready') return jobFrom(row, fence.attempt, asset);
    // Without a row it may be that of an upload which is not committed yet.
    if (asset === null) await giveBack(row, fence, 'asset-gone');
    else await store.cancel(row.asset);
    return null;
  }

  async function tryToClaim(row: JobRow, worker: string): Promise<IngestJob | null> {
    if (row.state === 'running' && retries.after(row.failures, 'worker-lost').retryInSeconds === null) {
      await store.giveUp(row);
      return null;
    }
    if (planOf(row.kind) === null || !(await store.claim(row, worker, leaseSeconds))) return null;
    // As the claim has counted it.
    const claimed = row.state === 'running' ? { ...row, failures: row.failures + 1 } : row;
    return begin(claimed, { id: row.document_id, worker, attempt: row.attempt + 1 });
  }

  /** What is told to an attempt that does not run any more. */
  async function afterAll({ id, worker, attempt }: Fence, state: JobReport['state']): Promise<JobReportAnswer | null> {
    const row = await store.find(id);
    if (row === null || row.attempt !== attempt || row.worker !== worker) return null;
    if (row.state === 'cancelled') return { state: 'cancelled' };
    // The answer to the same report was lost.
    return row.state === 'done' && state === 'done' ? { state: 'settled' } : null;
  }

  /** More can be made of a film now that it is known how large and how long it is. */
  async function goOn(assetId: string): Promise<void> {
    const asset = await getService(strapi, 'asset').findById(assetId);
    if (asset?.state === 'ready') await upkeep.enqueue(asset);
  }

  /** A film that viewers could not get has its first rendition. */
  async function tellFirst(assetId: string, kind: string): Promise<void> {
    if (rungKindOf(kind) === null) return;
    const asset = await getService(strapi, 'asset').findById(assetId);
    const made = asset?.derived?.filter(({ name }) => renditionOfOutput(name) !== null);
    if (asset?.verdict !== 'transcode-first' || made?.length !== 1) return;
    await getService(strapi, 'events').filmConverted(asset);
  }

  async function take(fence: Fence, report: Extract<JobReport, { state: 'done' }>): Promise<JobReportAnswer | null> {
    // Looking at what was made takes time, during which the worker says no more.
    const row = (await store.renew(fence, 1, leaseSeconds)) ? await store.find(fence.id) : null;
    if (row === null) return afterAll(fence, 'done');
    try {
      const { asset, kind } = row;
      const { outputs, note = null } = report;
      const outcome = await accept(strapi, store, { fence, asset, kind, outputs, note });
      if (outcome === 'late') return afterAll(fence, 'done');
      if (outcome === 'gone') {
        await store.cancel(asset);
        return { state: 'cancelled' };
      }
      await upkeep.discard(fence.id);
      if (outcome === 'learned') await goOn(asset);
      await tellFirst(asset, kind);
      return { state: 'settled' };
    } catch (error) {
      const reason = refusalOf(error);
      if (reason === null) throw error;
      strapi.log.warn(`protected-vod: what was made of asset ${row.asset} was not taken: ${reason}`);
      await giveBack(row, fence, reason);
      return null;
    }
  }

  async function fail(fence: Fence, { reason, final }: Extract<JobReport, { state: 'failed' }>): Promise<boolean> {
    const row = await store.find(fence.id);
    if (row === null) return false;
    return final
      ? store.fail(fence, { reason, failures: row.failures + 1, retryInSeconds: null })
      : giveBack(row, fence, reason);
  }

  return {
    store,
    ...upkeep,
    async retry(assetId) {
      const count = await store.retryFailed(assetId);
      if (count > 0) getService(strapi, 'ingest-worker').wake();
      return count;
    },
    async claim({ worker, kinds, lacking }) {
      if (lacking !== null) await store.noteLacking(kinds, lacking);
      for (const row of await store.due(kinds)) {
        const job = await tryToClaim(row, worker);
        if (job !== null) return { job };
      }
      return { job: null };
    },
    async report(id, report) {
      const fence = { id, worker: report.worker, attempt: report.attempt };
      if (report.state === 'done') return take(fence, report);
      if (report.state === 'running') {
        const isRunning = await store.renew(fence, report.progress, leaseSeconds);
        return isRunning ? { state: 'running', leaseSeconds } : afterAll(fence, report.state);
      }
      const isSettled = await (report.state === 'failed' ? fail(fence, report) : store.release(fence));
      return isSettled ? { state: 'settled' } : afterAll(fence, report.state);
    },
  };
}
