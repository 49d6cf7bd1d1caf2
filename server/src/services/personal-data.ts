import { setTimeout as delay } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { AuditEntry, AuditParty, GuestLinkEntry, SessionEntry } from '../../contracts';
import { afterCommit } from './after-commit';
import { AUDIT_TABLE } from './audit/event-table';
import { rowsOf, tokensActing } from './audit/person-rows';
import { adminOf } from './audit/requester';
import { getService } from './get-service';
import { columnsOfPerson, originOfPerson, type Person, type PersonOrigin } from './person';
import { retryingDeadlocks } from './playback-session/deadlock';

const USER_UID = 'plugin::users-permissions.user';
const ADMIN_UID = 'admin::user';
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

type Page =
  | ({ type: 'guest-link' } & GuestLinkEntry)[]
  | ({ type: 'session' } & SessionEntry)[]
  | ({ type: 'event' } & AuditEntry)[];

export interface PersonalDataService {
  pages(person: Person): AsyncGenerator<Page>;
  erase(person: Person, reason?: string): Promise<Erased>;
  subscribe(): void;
  close(): Promise<void>;
}

interface DeletionEvent {
  params: { where?: unknown };
  result?: unknown;
  state: Record<string, unknown>;
}

/**
 * What is kept of one person, and its erasure (DESIGN §12). Data protection calls that person the data subject; here the word
 * subject is kept for users who live elsewhere.
 */
export function createPersonalDataService({ strapi }: { strapi: Core.Strapi }): PersonalDataService {
  const closing = new AbortController();
  const running = new Set<Promise<void>>();

  async function deleteCounts(table: string, { kind, id }: PersonOrigin): Promise<void> {
    await retryingDeadlocks(() =>
      strapi.db
        .getConnection(table)
        .where({ subject: `${kind}:${id}` })
        .delete(),
    );
  }

  /** Whether no token of the person's opens anything any more, whatever is counted of it. */
  async function isGone({ kind, id }: PersonOrigin): Promise<boolean> {
    // PostgreSQL would refuse the question.
    if (!/^\d{1,9}$/.test(id)) return true;
    if (kind === 'user') return !strapi.plugin('users-permissions') || isNobody(USER_UID, id);
    return kind !== 'admin' || isNobody(ADMIN_UID, id);
  }

  async function isNobody(uid: string, id: string): Promise<boolean> {
    return (await strapi.db.query(uid).findOne({ where: { id }, select: ['id'] })) === null;
  }

  /** What an administrator did stays told of those to whom it was done. */
  async function forgetActor(admin: string): Promise<number> {
    const table = () => strapi.db.getConnection(AUDIT_TABLE);
    const own: number = await retryingDeadlocks(() =>
      table()
        .where({ actor: `admin:${admin}` })
        .update({ actor: 'admin:' }),
    );
    const others: number = await retryingDeadlocks(() =>
      table().where('actor', 'like', tokensActing(admin)).update({ actor: 'admin-token:' }),
    );
    await getService(strapi, 'guest-links').forgetAdministrator(admin);
    return own + others;
  }

  async function anonymise(person: Person): Promise<Erased> {
    const columns = columnsOfPerson(person);
    const origin = originOfPerson(person);
    // A rule's own words may say anything.
    const nobody = { origin_id: null, client_prefix: null, rule_reason: null };
    // An ended session's row stays as long as any token could still lead to it; without it, the token would be new.
    const sessions: number = await retryingDeadlocks(() =>
      strapi.db
        .getConnection(SESSIONS)
        .where({ ...columns, state: 'ended' })
        .update({ origin_id: null, client_prefix: '', client_agent: '', subject_attributes: null, subject_mark: null }),
    );
    const events: number = await retryingDeadlocks(() =>
      strapi.db
        .getConnection(AUDIT_TABLE)
        .where(rowsOf(person))
        // What administrators did with a link names no guest.
        .whereNot({ kind: 'guest-link' })
        .update({ ...nobody, session: null }),
    );
    const acts = 'admin' in person ? await forgetActor(person.admin) : 0;
    for (const counter of COUNTERS) await deleteCounts(counter, origin);
    // While there is a user, the number keeps the tokens from before from counting again.
    if (await isGone(origin)) await deleteCounts(ROUNDS, origin);
    return { sessions, events: events + acts };
  }

  /** Of a user or a link that is gone no token opens anything; of a user who lives elsewhere none from before shall. */
  async function end(person: Person, reason: string): Promise<void> {
    const origin = originOfPerson(person);
    if (origin.kind === 'subject') await getService(strapi, 'external-subjects').end(origin.id, reason);
    else await getService(strapi, 'playback-session').store.endScope({ origin }, reason);
  }

  /** An erasure has to be answered for, too. Who erases what names themselves is not named by that. */
  function tell(person: Person, actor: AuditParty | null, reason: string): void {
    const { kind } = originOfPerson(person);
    const isOwn = 'admin' in person && actor !== null && (actor.owner ?? actor.id) === person.admin;
    const by = isOwn ? { kind: actor.kind, id: null } : actor;
    getService(strapi, 'audit').record({ kind: 'erasure', origin: { kind, id: null }, actor: by, reason });
  }

  async function pass(person: Person, reason: string): Promise<Erased> {
    await end(person, reason);
    await getService(strapi, 'audit').flush();
    return anonymise(person);
  }

  async function erase(person: Person, reason = 'subject-erased'): Promise<Erased> {
    const actor = adminOf(strapi);
    // First, so that nothing new begins by it.
    if ('guestLink' in person) await getService(strapi, 'guest-links').remove(person.guestLink);
    const first = await pass(person, reason);
    // Cut short where Strapi stops.
    await delay(OTHER_NODES_MS, undefined, { signal: closing.signal }).catch(() => undefined);
    const second = await pass(person, reason);
    tell(person, actor, reason);
    await getService(strapi, 'audit').flush();
    return { sessions: first.sessions + second.sessions, events: first.events + second.events };
  }

  /** Who deletes a user does not wait for it. A failure is told without naming anybody. */
  function eraseDeleted(ids: readonly string[]): void {
    for (const id of ids) {
      const erasing = erase({ user: id }, 'user-deleted')
        .then(() => undefined)
        .catch((error: unknown) => {
          const why = error instanceof Error ? error.name : 'unknown';
          strapi.log.error(`protected-vod: what named a deleted user was not erased (${why}). Erase it by its id.`);
        })
        .finally(() => running.delete(erasing));
      running.add(erasing);
    }
  }

  return {
    /**
     * A guest link itself, where it is one, or those that an administrator made or revoked; sessions, then audit rows; one
     * page in memory at a time.
     */
    async *pages(person) {
      const links = getService(strapi, 'guest-links');
      const link = 'guestLink' in person ? await links.find(person.guestLink) : null;
      if (link) yield [{ type: 'guest-link' as const, ...link }];
      for await (const page of 'admin' in person ? links.pagesOf(person.admin) : []) {
        yield page.map((entry) => ({ type: 'guest-link' as const, ...entry }));
      }
      for await (const page of getService(strapi, 'session-directory').pagesOf(person)) {
        yield page.map((entry) => ({ type: 'session' as const, ...entry }));
      }
      for await (const page of getService(strapi, 'audit-log').pages(person)) {
        // Of a link's guests none is of the administrators' doing.
        const events = 'guestLink' in person ? page.filter(({ kind }) => kind !== 'guest-link') : page;
        yield events.map((entry) => ({ type: 'event' as const, ...entry }));
      }
    },
    /**
     * Ends what runs, then takes the person's id, networks and the link to sessions out of every row. The rows stay, and
     * name nobody; a guest link itself goes, one that an administrator made stays. Takes two seconds, in which other nodes write what they still hold.
     */
    erase,
    /** The deletion of a user erases what names the user. */
    subscribe() {
      strapi.db.lifecycles.subscribe({
        models: [USER_UID],
        async afterDelete(event: DeletionEvent) {
          const row = idSchema.safeParse(event.result).data;
          if (row) await afterCommit(strapi, async () => eraseDeleted([row.id]));
        },
        async beforeDeleteMany(event: DeletionEvent) {
          const where = z.record(z.string(), z.unknown()).catch({}).parse(event.params.where);
          const rows: unknown[] = await strapi.db.query(USER_UID).findMany({ where, select: ['id'] });
          event.state.erased = rows.flatMap((row) => idSchema.safeParse(row).data?.id ?? []);
        },
        async afterDeleteMany(event: DeletionEvent) {
          const ids = z.array(z.string()).catch([]).parse(event.state.erased);
          if (ids.length > 0) await afterCommit(strapi, async () => eraseDeleted(ids));
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
