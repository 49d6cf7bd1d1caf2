import { setTimeout as delay } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { AuditEntry, SessionEntry } from '../../contracts';
import { AUDIT_TABLE } from './audit/event-table';
import { getService } from './get-service';
import { retryingDeadlocks } from './playback-session/deadlock';

const USER_UID = 'plugin::users-permissions.user';
const SESSIONS = 'protected_vod_sessions';
/** What is only kept to count sessions and views of one person. */
const COUNTERS = ['protected_vod_session_slots', 'protected_vod_views'];
/** How often the sessions of one person were ended. */
const ROUNDS = 'protected_vod_token_rounds';
/** Longer than other nodes keep rows to themselves. */
const OTHER_NODES_MS = 2_000;

const idSchema = z.object({ id: z.union([z.number(), z.string()]).transform(String) });

export interface Erased {
  sessions: number;
  events: number;
}

export interface SubjectDataService {
  pages(userId: string): AsyncGenerator<({ type: 'session' } & SessionEntry)[] | ({ type: 'event' } & AuditEntry)[]>;
  erase(userId: string, reason?: string): Promise<Erased>;
  subscribe(): void;
  close(): Promise<void>;
}

interface DeletionEvent {
  params: { where?: unknown };
  result?: unknown;
  state: Record<string, unknown>;
}

/** What is kept of one person, and its erasure (DESIGN §12). */
export function createSubjectDataService({ strapi }: { strapi: Core.Strapi }): SubjectDataService {
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  const ofUser = (id: string) => ({ origin_kind: 'user', origin_id: id });

  async function deleteCounts(table: string, id: string): Promise<void> {
    await retryingDeadlocks(() =>
      strapi.db
        .getConnection(table)
        .where({ subject: `user:${id}` })
        .delete(),
    );
  }

  async function isGone(id: string): Promise<boolean> {
    // PostgreSQL would refuse the question.
    if (!strapi.plugin('users-permissions') || !/^\d{1,9}$/.test(id)) return true;
    return (await strapi.db.query(USER_UID).findOne({ where: { id }, select: ['id'] })) === null;
  }

  async function anonymise(id: string): Promise<Erased> {
    const nobody = { origin_id: null, client_prefix: null };
    // An ended session's row stays as long as any token could still lead to it; without it, the token would be new.
    const sessions: number = await retryingDeadlocks(() =>
      strapi.db
        .getConnection(SESSIONS)
        .where({ ...ofUser(id), state: 'ended' })
        .update({ origin_id: null, client_prefix: '', client_agent: '' }),
    );
    const events: number = await retryingDeadlocks(() =>
      strapi.db
        .getConnection(AUDIT_TABLE)
        .where(ofUser(id))
        .update({ ...nobody, session: null }),
    );
    for (const counter of COUNTERS) await deleteCounts(counter, id);
    // While there is a user, the number keeps the tokens from before from counting again.
    if (await isGone(id)) await deleteCounts(ROUNDS, id);
    return { sessions, events };
  }

  async function pass(id: string, reason: string): Promise<Erased> {
    const { store } = getService(strapi, 'playback-session');
    await store.endScope({ origin: { kind: 'user', id } }, reason);
    await getService(strapi, 'audit').flush();
    return anonymise(id);
  }

  async function erase(id: string, reason = 'subject-erased'): Promise<Erased> {
    const first = await pass(id, reason);
    // Cut short where Strapi stops.
    await delay(OTHER_NODES_MS, undefined, { signal: closing.signal }).catch(() => undefined);
    const second = await pass(id, reason);
    return { sessions: first.sessions + second.sessions, events: first.events + second.events };
  }

  /** Who deletes a user does not wait for it. A failure is told without naming anybody. */
  function eraseDeleted(ids: readonly string[]): void {
    for (const id of ids) {
      const erasing = erase(id, 'user-deleted')
        .then(() => undefined)
        .catch((error: unknown) => {
          const why = error instanceof Error ? error.name : 'unknown';
          strapi.log.error(`protected-vod: what named a deleted user was not erased (${why}). Erase it by its id.`);
        })
        .finally(() => running.delete(erasing));
      running.add(erasing);
    }
  }

  async function afterCommit(action: () => void): Promise<void> {
    if (!strapi.db.inTransaction()) return action();
    await strapi.db.transaction(async ({ onCommit }) => onCommit(() => setImmediate(action)));
  }

  return {
    /** Sessions, then audit rows, one page in memory at a time. */
    async *pages(userId) {
      for await (const page of getService(strapi, 'session-directory').pagesOfUser(userId)) {
        yield page.map((entry) => ({ type: 'session' as const, ...entry }));
      }
      for await (const page of getService(strapi, 'audit-log').pages({ user: userId })) {
        yield page.map((entry) => ({ type: 'event' as const, ...entry }));
      }
    },
    /**
     * Ends what runs, then takes the user's id, networks and the link to sessions out of every row. The rows stay, and
     * name nobody. Takes two seconds, in which other nodes write what they still hold.
     */
    erase,
    /** The deletion of a user erases what names the user. */
    subscribe() {
      strapi.db.lifecycles.subscribe({
        models: [USER_UID],
        async afterDelete(event: DeletionEvent) {
          const row = idSchema.safeParse(event.result).data;
          if (row) await afterCommit(() => eraseDeleted([row.id]));
        },
        async beforeDeleteMany(event: DeletionEvent) {
          const where = z.record(z.string(), z.unknown()).catch({}).parse(event.params.where);
          const rows: unknown[] = await strapi.db.query(USER_UID).findMany({ where, select: ['id'] });
          event.state.erased = rows.flatMap((row) => idSchema.safeParse(row).data?.id ?? []);
        },
        async afterDeleteMany(event: DeletionEvent) {
          const ids = z.array(z.string()).catch([]).parse(event.state.erased);
          if (ids.length > 0) await afterCommit(() => eraseDeleted(ids));
        },
      });
    },
    /** Waits for the erasures that deletions began. */
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}
