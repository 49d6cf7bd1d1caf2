import { randomBytes } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import { type IngestKind, type IngestReason, rungKindOf } from '../../../contracts';
import { databaseNow } from '../playback-session/database-clock';
import { retryingDeadlocks } from '../playback-session/deadlock';
import type { Transaction } from '../playback-session/transaction';
import { JOB_COLUMNS, type JobRow, parseJobRow } from './job-row';
import { KIND_PLANS } from './kinds';
import { awaitTurn, withoutWaiting } from './ladder-turn';
import type { Retry } from './retries';

const TABLE = 'protected_vod_ingest_jobs';
/** Each that is lost went to another worker. */
const CANDIDATES = 16;
const ACTIVE = ['queued', 'running'];
const AFRESH = { state: 'queued', failures: 0, progress: 0, reason: null };

/** Who reports, and about which attempt. Whatever is not of the attempt that runs is late (S24). */
export interface Fence {
  id: string;
  worker: string;
  attempt: number;
}

export interface Failure extends Retry {
  reason: IngestReason;
}

export interface JobStore {
  add(asset: string, kinds: readonly IngestKind[]): Promise<void>;
  due(kinds: readonly string[]): Promise<JobRow[]>;
  find(id: string): Promise<JobRow | null>;
  ofAsset(asset: string): Promise<JobRow[]>;
  active(ids: readonly string[]): Promise<Set<string>>;
  claim(row: JobRow, worker: string, leaseSeconds: number): Promise<boolean>;
  giveUp(row: JobRow): Promise<void>;
  renew(fence: Fence, progress: number, leaseSeconds: number): Promise<boolean>;
  fail(fence: Fence, failure: Failure): Promise<boolean>;
  release(fence: Fence, inSeconds?: number): Promise<boolean>;
  finish(fence: Fence, note: IngestReason | null, trx: Transaction): Promise<boolean>;
  cancel(asset: string): Promise<void>;
  remove(asset: string): Promise<void>;
  renewKinds(asset: string, kinds: readonly string[]): Promise<void>;
  retryFailed(asset: string | null): Promise<number>;
  noteLacking(kinds: readonly string[], reason: IngestReason): Promise<void>;
}

/** The job table. Every write that could lose against another is one conditional statement, on any database. */
export function createJobStore(strapi: Core.Strapi): JobStore {
  const table = () => strapi.db.getConnection(TABLE);
  const raised = (column: string) => strapi.db.connection.raw('?? + 1', [column]);
  const now = () => databaseNow(strapi);

  const toldOf = new Set<unknown>();

  /** What one row is keeps nobody from the others. */
  function readable(row: unknown): JobRow[] {
    const parsed = parseJobRow(row);
    if (parsed !== null) return [parsed];
    const id = typeof row === 'object' && row !== null && 'id' in row ? row.id : null;
    if (!toldOf.has(id))
      strapi.log.error(`protected-vod: row ${String(id)} of ${TABLE} cannot be read, and is left out`);
    toldOf.add(id);
    return [];
  }

  async function update(where: Record<string, unknown>, change: Record<string, unknown>): Promise<number> {
    return retryingDeadlocks(() =>
      table()
        .where(where)
        .update({ ...change, updated_at: new Date() }),
    );
  }

  const fenced = ({ id, worker, attempt }: Fence) => ({ document_id: id, worker, attempt, state: 'running' });

  function rowFrom(asset: string, kind: IngestKind): Record<string, unknown> {
    const timestamp = new Date();
    return {
      document_id: randomBytes(12).toString('hex'),
      asset,
      kind,
      priority: KIND_PLANS[kind].priority,
      state: 'queued',
      due_at: now(),
      attempt: 0,
      failures: 0,
      progress: 0,
      created_at: timestamp,
      updated_at: timestamp,
    };
  }

  return {
    /** Those that are there already stay as they are. */
    async add(asset, kinds) {
      for (const kind of kinds) {
        // Outside any transaction: on PostgreSQL a conflict inside one would abort it.
        await retryingDeadlocks(() => table().insert(rowFrom(asset, kind)).onConflict(['asset', 'kind']).ignore());
      }
    },
    /** Some that may be claimed now, the first ones first. */
    async due(kinds) {
      if (kinds.length === 0) return [];
      const rows: unknown[] = await withoutWaiting(strapi, table())
        .select(JOB_COLUMNS)
        .whereIn('state', ACTIVE)
        .whereIn('kind', [...kinds])
        .where('due_at', '<=', now())
        .orderBy(['priority', 'id'])
        .limit(CANDIDATES);
      return rows.flatMap(readable);
    },
    async find(id) {
      const row: unknown = await table().select(JOB_COLUMNS).where({ document_id: id }).first();
      return row === undefined ? null : (readable(row)[0] ?? null);
    },
    async ofAsset(asset) {
      const rows: unknown[] = await table().select(JOB_COLUMNS).where({ asset }).orderBy(['priority', 'id']);
      return rows.flatMap(readable);
    },
    async active(ids) {
      const rows: unknown[] = await table()
        .select(JOB_COLUMNS)
        .whereIn('state', ACTIVE)
        .whereIn('document_id', [...ids]);
      return new Set(rows.flatMap(readable).map(({ document_id }) => document_id));
    },
    /** False: another worker was faster, or the job is not what `row` says any more. */
    async claim({ document_id, asset, kind, attempt, state }, worker, leaseSeconds) {
      const change = { state: 'running', worker, attempt: raised('attempt'), progress: 0, reason: null };
      // A lease that ran out counts as a failure: what kills every worker must not go on for ever.
      const failures = state === 'running' ? { failures: raised('failures') } : {};
      const dueAt = databaseNow(strapi, leaseSeconds * 1000);
      const claimable = () => table().where({ document_id, attempt, state }).where('due_at', '<=', now());
      const claimed = { ...change, ...failures, due_at: dueAt, updated_at: new Date() };
      if (rungKindOf(kind) === null) return (await retryingDeadlocks(() => claimable().update(claimed))) === 1;
      return retryingDeadlocks(() =>
        strapi.db.transaction(async ({ trx }) => {
          await awaitTurn(strapi, asset, trx);
          const isFree = await withoutWaiting(strapi, claimable()).transacting(trx).first('id');
          return isFree !== undefined && (await claimable().transacting(trx).update(claimed)) === 1;
        }),
      );
    },
    /** Of a job whose lease ran out once too often. */
    async giveUp({ document_id, attempt, state }) {
      const change = { state: 'failed', reason: 'worker-lost', failures: raised('failures'), updated_at: new Date() };
      await retryingDeadlocks(() =>
        // A sign of life may have come meanwhile.
        table().where({ document_id, attempt, state }).where('due_at', '<=', now()).update(change),
      );
    },
    async renew(fence, progress, leaseSeconds) {
      return (await update(fenced(fence), { progress, due_at: databaseNow(strapi, leaseSeconds * 1000) })) === 1;
    },
    /** `retryInSeconds` null: not again. `failures`: how many there are then. */
    async fail(fence, { reason, failures, retryInSeconds }) {
      const next =
        retryInSeconds === null
          ? { state: 'failed' }
          : { state: 'queued', due_at: databaseNow(strapi, retryInSeconds * 1000) };
      return (await update(fenced(fence), { ...next, reason, failures })) === 1;
    },
    async release(fence, inSeconds = 0) {
      return (await update(fenced(fence), { state: 'queued', due_at: databaseNow(strapi, inSeconds * 1000) })) === 1;
    },
    /** Holds the row until the transaction ends: nobody can claim the job meanwhile. */
    async finish(fence, note, trx) {
      const change = { state: 'done', progress: 1, reason: note, updated_at: new Date() };
      return (await table().transacting(trx).where(fenced(fence)).update(change)) === 1;
    },
    async cancel(asset) {
      await retryingDeadlocks(() =>
        table()
          .where({ asset })
          .whereIn('state', ACTIVE)
          .update({ state: 'cancelled', reason: 'asset-gone', updated_at: new Date() }),
      );
    },
    async remove(asset) {
      await retryingDeadlocks(() => table().where({ asset }).delete());
    },
    /** To be made once more, or after all. What is under way goes on. */
    async renewKinds(asset, kinds) {
      if (kinds.length === 0) return;
      await retryingDeadlocks(() =>
        table()
          .where({ asset })
          .whereIn('kind', [...kinds])
          .whereIn('state', ['done', 'failed', 'cancelled'])
          .update({ ...AFRESH, due_at: now(), updated_at: new Date() }),
      );
    },
    /** What was given up is to be tried again; null: for whatever film. Resolves to how many jobs that are. */
    async retryFailed(asset) {
      return retryingDeadlocks(() =>
        table()
          .where({ state: 'failed', ...(asset !== null && { asset }) })
          .update({ ...AFRESH, due_at: now(), updated_at: new Date() }),
      );
    },
    /**
     * Tells who looks at the jobs that nobody has begun why that is so. Not while somebody is at work on what this worker cannot
     * make: who can is busy, and no more.
     */
    async noteLacking(kinds, reason) {
      const others = () => table().whereNotIn('kind', [...kinds]);
      const busy: unknown = await others().select('id').where({ state: 'running' }).where('due_at', '>', now()).first();
      if (busy !== undefined) return;
      await retryingDeadlocks(() => others().where({ state: 'queued' }).whereNull('reason').update({ reason }));
    },
  };
}
