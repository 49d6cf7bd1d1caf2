import { randomBytes } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import type { Client, DenyReason } from '../../../contracts';
import type { Origin } from '../../tokens/playback-token';
import type { AuditService } from '../audit';
import type { RuleDenial } from '../entitlement/decision';
import { getService } from '../get-service';
import { databaseNow } from './database-clock';
import { retryingDeadlocks } from './deadlock';
import { endingColumns } from './ending';
import type { Holding, SessionHolders } from './holders';
import type { Judgement } from './judgement';
import { Repeats } from './repeats';
import { parseSessionRow, parseSessionRows, SESSION_COLUMNS, type SessionRow } from './row';
import { createSettlement, type WhenLocked } from './settlement';
import type { SessionSlots } from './slots';
import { subjectColumns } from './subject-columns';
import type { TokenRounds } from './token-rounds';
import type { UsageLedger } from './usage-ledger';

const TABLE = 'protected_vod_sessions';
const COLUMNS = SESSION_COLUMNS;
const OVERDUE_AT_ONCE = 500;
const MOST_ACTIVE = 500;

export interface NewSession {
  tokenId: string;
  sessionHash: string;
  salt: string;
  origin: Origin;
  role: string | null;
  video: string;
  locale: string | null;
  asset: string;
  client: Client;
}

/** Which sessions a change concerns; no field: all of them. */
export interface Scope {
  origin?: { kind: Exclude<Origin['kind'], 'public'>; id: string };
  /** Those of all origins of this kind. */
  originKind?: Origin['kind'];
  /** Those that an API token asked for, in whosever name. */
  apiToken?: string;
  video?: string;
  asset?: string;
}

export interface SessionStore {
  insertOnce(session: NewSession): Promise<SessionRow>;
  findByTokenId(tokenId: string): Promise<SessionRow | null>;
  findByHash(sessionHash: string): Promise<SessionRow | null>;
  findManyByHash(sessionHashes: readonly string[]): Promise<SessionRow[]>;
  findManyByTokenId(tokenIds: readonly string[]): Promise<SessionRow[]>;
  findActive(scope: Scope, limit?: number): Promise<SessionRow[]>;
  settle(judgements: readonly Judgement[], holdings?: readonly Holding[], whenLocked?: WhenLocked): Promise<boolean[]>;
  takeOver(row: SessionRow, client: Client): Promise<boolean>;
  rebind(row: SessionRow, asset: string): Promise<boolean>;
  end(sessionHash: string, reason: DenyReason | string): Promise<number>;
  endScope(scope: Scope, reason: string): Promise<number>;
  endOverdue(maxLifetimeSeconds: number): Promise<number>;
  markDue(scope: Scope): Promise<void>;
}

function apiTokenOf(origin: Origin): string | null {
  if (origin.kind === 'api-token') return origin.id;
  return 'apiToken' in origin ? (origin.apiToken ?? null) : null;
}

function rowFrom(session: NewSession, now: number): Record<string, unknown> {
  const timestamp = new Date(now);
  return {
    document_id: randomBytes(12).toString('hex'),
    token_id: session.tokenId,
    session_hash: session.sessionHash,
    salt: session.salt,
    origin_kind: session.origin.kind,
    origin_id: session.origin.kind === 'public' ? null : session.origin.id,
    api_token: apiTokenOf(session.origin),
    role: session.role,
    ...subjectColumns(session.origin),
    video: session.video,
    locale: session.locale,
    asset: session.asset,
    client_prefix: session.client.addressPrefix,
    client_agent: session.client.agent,
    state: 'active',
    epoch: 0,
    generation: 0,
    // Due at once: a change that was committed between the decision and this insert is found by the first sync (S5).
    lease_due: 0,
    started_at: now,
    last_seen_at: now,
    bytes: 0,
    media_seconds: 0,
    created_at: timestamp,
    updated_at: timestamp,
  };
}

export interface SessionStoreParts {
  usage: UsageLedger;
  holders: SessionHolders;
  slots: SessionSlots;
  rounds: TokenRounds;
}

const newMark = () => randomBytes(12).toString('hex');

/** Of those that a rule ended, which and why. */
function rulesBehind(judgements: readonly Judgement[]): Map<string, RuleDenial> {
  return new Map(
    judgements.flatMap((judgement) =>
      judgement.outcome === 'end' && judgement.rule ? [[judgement.row.document_id, judgement.rule]] : [],
    ),
  );
}

/** The session table. Every write that could lose against another is one conditional statement (S6, S12). */
export function createSessionStore(
  strapi: Core.Strapi,
  { usage, holders, slots, rounds }: SessionStoreParts,
): SessionStore {
  const table = () => strapi.db.getConnection(TABLE);
  const find = async (column: string, value: string): Promise<SessionRow | null> => {
    const row: unknown = await table().select(COLUMNS).where(column, value).first();
    return row === undefined ? null : parseSessionRow(row);
  };
  const findMany = async (column: string, values: readonly string[]): Promise<SessionRow[]> => {
    const rows: unknown[] = await table()
      .select(COLUMNS)
      .whereIn(column, [...values]);
    return parseSessionRows(rows);
  };
  const settleAll = createSettlement(strapi, { usage, holders });
  const afterCommit = new Repeats((error) => strapi.log.error(error));
  const columnsOf = (scope: Scope) => {
    const where: Record<string, string> = {};
    if (scope.origin) Object.assign(where, { origin_kind: scope.origin.kind, origin_id: scope.origin.id });
    if (scope.originKind !== undefined) where.origin_kind = scope.originKind;
    if (scope.apiToken !== undefined) where.api_token = scope.apiToken;
    if (scope.video !== undefined) where.video = scope.video;
    if (scope.asset !== undefined) where.asset = scope.asset;
    return where;
  };
  const noteEnds: AuditService['noteEnds'] = (mark, rules) => {
    getService(strapi, 'audit').noteEnds(mark, rules);
    getService(strapi, 'film-replacement').sessionsEnded();
  };
  const ending = (reason: string) => ({ ...endingColumns(strapi, newMark()), end_reason: reason });
  /**
   * Of active sessions; returns how many. Joins the transaction of the change that calls it, where there is one: both
   * become visible together (S6).
   */
  const update = async (where: Record<string, string>, reason: string | null): Promise<number> => {
    const isPartOfChange = strapi.db.inTransaction();
    const change = reason === null ? null : ending(reason);
    const changed = await strapi.db.transaction(async ({ trx, onCommit }) => {
      const count: number = await table()
        .transacting(trx)
        .where({ ...where, state: 'active' })
        .update({ ...change, epoch: strapi.db.connection.raw('?? + 1', ['epoch']), lease_due: 0 });
      if (change && count > 0) onCommit(() => noteEnds(change.end_mark));
      // A session that was opened on another connection meanwhile was decided on what this change replaces.
      if (isPartOfChange) onCommit(() => afterCommit.run(JSON.stringify([where, reason]), () => update(where, reason)));
      return count;
    });
    // Not within the change, which could fail by waiting for the redemptions of others; its repetition comes by here.
    if (!isPartOfChange && change) await slots.releaseEnded(where);
    return changed;
  };
  return {
    /** The row of this token id: the one given or, when another redemption was first, that one's. */
    async insertOnce(session) {
      // Outside any transaction: on PostgreSQL a conflict inside one would abort it.
      await table().insert(rowFrom(session, Date.now())).onConflict('token_id').ignore();
      const row = await find('token_id', session.tokenId);
      if (!row) throw new Error('The session row was not kept.');
      return row;
    },
    findByTokenId: (tokenId) => find('token_id', tokenId),
    findByHash: (sessionHash) => find('session_hash', sessionHash),
    findManyByHash: (sessionHashes) => findMany('session_hash', sessionHashes),
    findManyByTokenId: (tokenIds) => findMany('token_id', tokenIds),
    async findActive(scope, limit = MOST_ACTIVE) {
      const rows: unknown[] = await table()
        .select(COLUMNS)
        .where({ ...columnsOf(scope), state: 'active' })
        .orderBy('id')
        .limit(limit);
      return parseSessionRows(rows);
    },
    /**
     * For each whether it took effect; false when a change or a hand-over came in between: that decision is void.
     * `holdings` are the grants that will follow from it, of one streamer.
     */
    async settle(judgements, holdings = [], whenLocked = 'wait') {
      const ending = judgements.filter(({ outcome }) => outcome === 'end');
      const endMark = newMark();
      try {
        const settled = await settleAll(judgements, { holdings, whenLocked, endMark });
        const ended = judgements.filter(({ outcome }, at) => outcome === 'end' && settled[at]);
        await slots.release(ended.map(({ row }) => row.token_id));
        return settled;
      } finally {
        // Also where some of them ended before another one failed.
        if (ending.length > 0) noteEnds(endMark, rulesBehind(ending));
      }
    },
    /** False when another client was faster or the session ended. */
    async takeOver(row, client) {
      const changed = await table()
        .where({ session_hash: row.session_hash, state: 'active', generation: row.generation })
        .update({
          client_prefix: client.addressPrefix,
          client_agent: client.agent,
          generation: row.generation + 1,
          last_seen_at: Date.now(),
        });
      return changed === 1;
    },
    /** Before its first grant: it plays another asset than it was opened for. False: it has ended. */
    async rebind(row, asset) {
      const changed = await table().where({ session_hash: row.session_hash, state: 'active' }).update({ asset });
      return changed === 1;
    },
    end: (sessionHash, reason) => update({ session_hash: sessionHash }, reason),
    /**
     * Takes back the tokens that were not used yet, and returns how many sessions were ended at once; what a commit of
     * others brings is ended after it.
     */
    async endScope(scope, reason) {
      // First: a redemption that did not see this has inserted its row before it looked, and is found below.
      await rounds.raise(scope);
      return update(columnsOf(scope), reason);
    },
    async markDue(scope) {
      await update(columnsOf(scope), null);
    },
    /** Those that nobody asks about any more; who does is told so at once. Returns how many. */
    async endOverdue(maxLifetimeSeconds) {
      const change = ending('session-lifetime-over');
      const overdue: { id: number }[] = await table()
        .select('id')
        .where({ state: 'active' })
        .where('started_at', '<', databaseNow(strapi, -maxLifetimeSeconds * 1000))
        .orderBy('id')
        .limit(OVERDUE_AT_ONCE);
      const ids = overdue.map(({ id }) => id);
      if (ids.length === 0) return 0;
      const changed: number = await retryingDeadlocks(() =>
        table().whereIn('id', ids).where({ state: 'active' }).update(change),
      );
      if (changed > 0) noteEnds(change.end_mark);
      return ids.length;
    },
  };
}
