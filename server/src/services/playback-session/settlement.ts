import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { retryingDeadlocks } from './deadlock';
import { endingColumns } from './ending';
import type { Holding, SessionHolders } from './holders';
import type { Judgement } from './judgement';
import type { Transaction } from './transaction';
import type { Usage, UsageLedger } from './usage-ledger';

const TABLE = 'protected_vod_sessions';
/** Half of the connections that Strapi keeps by default: the site goes on while leases are renewed one by one. */
const PARALLEL_WRITES = 5;
/** Of one statement. Each looks its values up in a list as long, so that the effort grows with the square. */
const ROWS_AT_ONCE = 100;

const lockedSchema = z.object({
  session_hash: z.string(),
  epoch: z.coerce.number(),
  generation: z.coerce.number(),
});

/** A judgement that takes effect, with what is written down on the way. */
interface Change {
  judgement: Judgement;
  used: Usage | null;
}

/**
 * What to do about a session that a change holds which is not committed yet. `wait` is for who has to answer now;
 * `pass-by` for who asks again in a second anyway, and has others to answer for: the judgement does not take effect.
 */
export type WhenLocked = 'wait' | 'pass-by';

export interface Terms {
  /** Written down before (S12). */
  holdings: readonly Holding[];
  whenLocked: WhenLocked;
  /** Which the sessions that end will carry. */
  endMark: string;
}

/** For each judgement whether it took effect. */
export type Settle = (judgements: readonly Judgement[], terms: Terms) => Promise<boolean[]>;

interface SettlementParts {
  usage: UsageLedger;
  holders: SessionHolders;
}

/** Before MariaDB 10.6 nobody knew how to pass locked rows by. */
function isUnknownSyntax(error: unknown): boolean {
  return z.object({ code: z.literal('ER_PARSE_ERROR') }).safeParse(error).success;
}

/** Writes decisions to their sessions, none over a change that came in between (S6). */
export function createSettlement(strapi: Core.Strapi, { usage, holders }: SettlementParts): Settle {
  const table = () => strapi.db.getConnection(TABLE);
  const raw = (text: string, values: (string | number)[]) => strapi.db.connection.raw(text, values);
  const isSqlite = () => strapi.db.dialect.client === 'sqlite';

  /** Waits where a change is under way, and keeps nobody else from anything meanwhile. */
  async function settleOne(judgement: Judgement, endMark: string): Promise<boolean> {
    const { row } = judgement;
    const used = usage.take(row.session_hash);
    const query = table().where({ session_hash: row.session_hash, state: 'active', epoch: row.epoch });
    // A grant of a generation that a hand-over has just replaced must not go out (S12).
    if (judgement.outcome === 'renew') query.where({ generation: row.generation });
    const change = {
      ...(judgement.outcome === 'renew'
        ? { lease_due: judgement.leaseDue }
        : { ...endingColumns(strapi, endMark), end_reason: judgement.reason }),
      ...(used && {
        bytes: raw('?? + ?', ['bytes', used.bytes]),
        media_seconds: raw('?? + ?', ['media_seconds', used.mediaSeconds]),
        last_seen_at: used.lastSeenAt,
      }),
    };
    let changed = 0;
    try {
      changed = await query.update(change);
    } finally {
      if (changed !== 1 && used) usage.giveBack(row.session_hash, used);
    }
    return changed === 1;
  }

  /**
   * Those whose session is as it was when they were made; it stays so until the transaction ends. A row that somebody
   * else is changing is passed by: who waits for one row while holding others can make the other one fail.
   */
  async function standing(judgements: readonly Judgement[], trx: Transaction): Promise<Judgement[]> {
    const hashes = judgements.map(({ row }) => row.session_hash);
    const query = table()
      .transacting(trx)
      .select(Object.keys(lockedSchema.shape))
      .whereIn('session_hash', hashes)
      .where({ state: 'active' });
    const found: unknown[] = await (isSqlite() ? query : query.forUpdate().skipLocked());
    const locked = new Map(found.map((row) => lockedSchema.parse(row)).map((row) => [row.session_hash, row]));
    return judgements.filter(({ row, outcome }) => {
      const now = locked.get(row.session_hash);
      return now?.epoch === row.epoch && (outcome === 'end' || now.generation === row.generation);
    });
  }

  /** The value of a column for each session that has one, in one expression. */
  function byHash(column: string, entries: readonly { hash: string; text: string; values: (string | number)[] }[]) {
    const cases = entries.map(({ text }) => `WHEN ? THEN ${text}`).join(' ');
    const values = entries.flatMap((entry) => [entry.hash, ...entry.values]);
    return { [column]: raw(`CASE ?? ${cases} ELSE ?? END`, ['session_hash', ...values, column]) };
  }

  function usageColumns(changes: readonly Change[]) {
    const reports = changes.flatMap(({ judgement, used }) =>
      used ? [{ hash: judgement.row.session_hash, used }] : [],
    );
    if (reports.length === 0) return {};
    const sum = (column: string, amountOf: (used: Usage) => number) =>
      reports.map(({ hash, used }) => ({ hash, text: '?? + ?', values: [column, amountOf(used)] }));
    return {
      ...byHash(
        'bytes',
        sum('bytes', ({ bytes }) => bytes),
      ),
      ...byHash(
        'media_seconds',
        sum('media_seconds', ({ mediaSeconds }) => mediaSeconds),
      ),
      ...byHash(
        'last_seen_at',
        reports.map(({ hash, used }) => ({ hash, text: '?', values: [used.lastSeenAt] })),
      ),
    };
  }

  function outcomeColumns(changes: readonly Change[], outcome: Judgement['outcome'], endMark: string) {
    const entries = changes.map(({ judgement }) => ({
      hash: judgement.row.session_hash,
      text: '?',
      values: [judgement.outcome === 'renew' ? judgement.leaseDue : judgement.reason],
    }));
    if (outcome === 'renew') return byHash('lease_due', entries);
    return { ...endingColumns(strapi, endMark), ...byHash('end_reason', entries) };
  }

  async function write(changes: readonly Change[], endMark: string, trx: Transaction): Promise<void> {
    for (const outcome of ['renew', 'end'] as const) {
      const alike = changes.filter(({ judgement }) => judgement.outcome === outcome);
      for (let at = 0; at < alike.length; at += ROWS_AT_ONCE) {
        const some = alike.slice(at, at + ROWS_AT_ONCE);
        // A report may name a session twice.
        const hashes = [...new Set(some.map(({ judgement }) => judgement.row.session_hash))];
        const written = { ...outcomeColumns(some, outcome, endMark), ...usageColumns(some) };
        const changed = await table().transacting(trx).whereIn('session_hash', hashes).update(written);
        if (changed !== hashes.length)
          throw new Error(`${hashes.length - changed} playback sessions were not written.`);
      }
    }
  }

  /** All that stand, or none. Few statements, however many sessions. */
  async function settleTogether(
    judgements: readonly Judgement[],
    { holdings, endMark }: Terms,
  ): Promise<ReadonlySet<Judgement>> {
    let changes: Change[] = [];
    try {
      await strapi.db.transaction(async ({ trx }) => {
        await holders.hold(holdings, trx);
        const stand = await standing(judgements, trx);
        changes = stand.map((judgement) => ({ judgement, used: usage.take(judgement.row.session_hash) }));
        await write(changes, endMark, trx);
      });
    } catch (error) {
      for (const { judgement, used } of changes) if (used) usage.giveBack(judgement.row.session_hash, used);
      throw error;
    }
    return new Set(changes.map(({ judgement }) => judgement));
  }

  async function settleEach(judgements: readonly Judgement[], endMark: string): Promise<boolean[]> {
    const settled: boolean[] = [];
    for (let at = 0; at < judgements.length; at += PARALLEL_WRITES) {
      const some = judgements.slice(at, at + PARALLEL_WRITES);
      const settling = some.map((judgement) => retryingDeadlocks(() => settleOne(judgement, endMark)));
      settled.push(...(await Promise.all(settling)));
    }
    return settled;
  }

  return async (judgements, terms) => {
    const { holdings, whenLocked, endMark } = terms;
    // SQLite syncs its file with every statement outside a transaction, and knows no deadlock.
    const withHoldings = isSqlite() ? holdings : [];
    if (!isSqlite()) await holders.hold(holdings, null);
    if (whenLocked === 'wait' && !isSqlite()) return settleEach(judgements, endMark);
    try {
      const settled = await settleTogether(judgements, { ...terms, holdings: withHoldings });
      return judgements.map((judgement) => settled.has(judgement));
    } catch (error) {
      if (!isUnknownSyntax(error)) throw error;
      return settleEach(judgements, endMark);
    }
  };
}
