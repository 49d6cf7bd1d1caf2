import { setTimeout as delay } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { SessionUsage } from '../../../contracts';
import { databaseNow } from './database-clock';
import { retryingDeadlocks } from './deadlock';
import type { Transaction } from './transaction';

const TABLE = 'protected_vod_session_holders';

const idleSchema = z.object({ session_hash: z.string(), idle_ms: z.coerce.number() });

const MAX_NOTED = 200_000;
/** How often activity is written down; between two writes it is known to this process alone. */
const ACTIVITY_EVERY_MS = 5_000;
/** A little more, so that nothing falls between two writes. */
const RECENT_MS = 6_000;
/** Below the three seconds after which a streamer gives its question up. */
const PATIENCE_MS = 2_400;
const LOOK_EVERY_MS = 60;
/** Long past any lease. */
const SWEEP_AFTER_MS = 3_600_000;

/** A grant that is about to be given. */
export interface Holding {
  /** Names the row where this is the first grant. */
  id: string;
  streamer: string;
  sessionHash: string;
  /** What the streamer knows of already. */
  generation: number;
  goodForMs: number;
  /** Whether its client is active there now; false: nothing is known about that. */
  isActive: boolean;
}

export interface SessionHolders {
  hold(holdings: readonly Holding[], trx: Transaction | null): Promise<void>;
  withdraw(id: string): Promise<void>;
  acknowledge(streamer: string, reports: readonly SessionUsage[]): Promise<void>;
  noteActivity(streamer: string, reports: readonly SessionUsage[]): Promise<void>;
  idleTimes(sessionHashes: readonly string[]): Promise<Map<string, number>>;
  othersGaveWay(sessionHash: string, streamer: string, generation: number): Promise<boolean>;
  release(streamer: string, sessionHashes?: readonly string[]): Promise<void>;
  sweep(): Promise<void>;
}

function rowFrom(strapi: Core.Strapi, holding: Holding): Record<string, unknown> {
  const timestamp = new Date();
  return {
    document_id: holding.id,
    session_hash: holding.sessionHash,
    streamer: holding.streamer,
    generation: holding.generation,
    good_until: databaseNow(strapi, holding.goodForMs),
    grants: 1,
    seen_at: holding.isActive ? databaseNow(strapi) : 0,
    created_at: timestamp,
    updated_at: timestamp,
  };
}

/**
 * Which streamers may be serving a session (S12). A grant is written down here before it is given and counts only if the
 * session's generation is still the same afterwards; a hand-over raises the generation first and looks here afterwards.
 * So one of the two always sees the other.
 */
export function createSessionHolders(strapi: Core.Strapi): SessionHolders {
  const table = () => strapi.db.getConnection(TABLE);
  const acknowledged = new LRUCache<string, number>({ max: MAX_NOTED });
  const noted = new LRUCache<string, true>({ max: MAX_NOTED, ttl: ACTIVITY_EVERY_MS });
  const keyOf = (streamer: string, session: string) => `${streamer} ${session}`;

  async function isBehind(sessionHash: string, streamer: string, generation: number): Promise<boolean> {
    const row: unknown = await table()
      .select('id')
      .where({ session_hash: sessionHash })
      .whereNot({ streamer })
      .where('generation', '<', generation)
      .where('good_until', '>', databaseNow(strapi))
      .first();
    return row !== undefined;
  }

  return {
    /** Of one streamer. What it knows is never raised here: an answer may get lost on its way. */
    async hold(holdings, trx) {
      const [first] = holdings;
      if (first === undefined) return;
      const write = async () => {
        const query = table().insert(holdings.map((holding) => rowFrom(strapi, holding)));
        // All are of one streamer and one moment, so what the first says holds for all.
        await (trx ? query.transacting(trx) : query).onConflict(['streamer', 'session_hash']).merge({
          good_until: databaseNow(strapi, first.goodForMs),
          grants: strapi.db.connection.raw('?? + 1', [`${TABLE}.grants`]),
          updated_at: new Date(),
          ...(first.isActive && { seen_at: databaseNow(strapi) }),
        });
      };
      // A transaction is given only on SQLite, which knows no deadlock.
      await (trx ? write() : retryingDeadlocks(write));
    },
    /** A grant that was not given after all; nobody shall wait for it. Where others were given there, all stays. */
    async withdraw(id) {
      await retryingDeadlocks(() => table().where({ document_id: id, grants: 1 }).delete());
    },
    /** Only raises, so that a report that was overtaken by a newer one changes nothing. */
    async acknowledge(streamer, reports) {
      for (const { session, generation } of reports) {
        const key = keyOf(streamer, session);
        if (generation <= (acknowledged.get(key) ?? 0)) continue;
        await retryingDeadlocks(() =>
          table()
            .where({ streamer, session_hash: session })
            .where('generation', '<', generation)
            .update({ generation }),
        );
        acknowledged.set(key, generation);
      }
    },
    /** One statement for all sessions that were active in the same second, and none where all was written lately. */
    async noteActivity(streamer, reports) {
      const active = reports.filter(({ idleMs }) => idleMs < RECENT_MS);
      if (active.every(({ session }) => noted.has(keyOf(streamer, session)))) return;
      for (const { session } of active) noted.set(keyOf(streamer, session), true);
      // To the second: what is written too late keeps the next client waiting longer.
      for (let agoMs = 0; agoMs < RECENT_MS; agoMs += 1000) {
        const seen = active.filter(({ idleMs }) => agoMs <= idleMs && idleMs < agoMs + 1000);
        if (seen.length === 0) continue;
        const hashes = seen.map(({ session }) => session);
        await retryingDeadlocks(() =>
          table()
            .where({ streamer })
            .whereIn('session_hash', hashes)
            .update({ seen_at: databaseNow(strapi, -agoMs) }),
        );
      }
    },
    /** By session, milliseconds on the database's clock; without an entry: no streamer told of any activity. */
    async idleTimes(sessionHashes) {
      const idle = strapi.db.connection.raw('? - max(??) as ??', [databaseNow(strapi), 'seen_at', 'idle_ms']);
      const rows: unknown[] = await table()
        .select('session_hash', idle)
        .whereIn('session_hash', [...sessionHashes])
        .groupBy('session_hash');
      return new Map(rows.map((row) => idleSchema.parse(row)).map((row) => [row.session_hash, row.idle_ms]));
    },
    /** Waits until nobody else can be serving an older generation; false when that takes too long. */
    async othersGaveWay(sessionHash, streamer, generation) {
      const deadline = performance.now() + PATIENCE_MS;
      while (await isBehind(sessionHash, streamer, generation)) {
        if (performance.now() > deadline) return false;
        await delay(LOOK_EVERY_MS);
      }
      return true;
    },
    /** Only what its streamer will never serve again: ended sessions, or all of a streamer that leaves. */
    async release(streamer, sessionHashes) {
      if (sessionHashes?.length === 0) return;
      await retryingDeadlocks(async () => {
        const rows = table().where({ streamer });
        await (sessionHashes ? rows.whereIn('session_hash', [...sessionHashes]) : rows).delete();
      });
    },
    async sweep() {
      await retryingDeadlocks(() => table().where('good_until', '<', databaseNow(strapi, -SWEEP_AFTER_MS)).delete());
    },
  };
}
