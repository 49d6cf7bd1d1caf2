import type { Core } from '@strapi/strapi';
import { configOf } from '../config';
import { AUDIT_TABLE } from './audit/event-table';
import { getService } from './get-service';
import { databaseNow } from './playback-session/database-clock';
import { retryingDeadlocks } from './playback-session/deadlock';

const SESSIONS = 'protected_vod_sessions';
const HOLDERS = 'protected_vod_session_holders';
const SLOTS = 'protected_vod_session_slots';
const LINKS = 'protected_vod_guest_links';
const ROWS_AT_ONCE = 500;
const DAY_MS = 24 * 3600 * 1000;

interface EndedSession {
  id: number;
  session_hash: string;
  token_id: string;
}

export interface Swept {
  events: number;
  sessions: number;
  guestLinks: number;
}

export interface RetentionService {
  endOverdue(): Promise<number>;
  sweep(): Promise<Swept>;
}

/**
 * Deletes what the site keeps no longer, in bounded batches. Every node runs it at the same time, by the database's
 * clock: a row that another one deleted first is deleted all the same.
 */
export function createRetentionService({ strapi }: { strapi: Core.Strapi }): RetentionService {
  const table = (name: string) => strapi.db.getConnection(name);
  const before = (days: number) => databaseNow(strapi, -days * DAY_MS);

  async function deleteWhere(name: string, column: string, values: readonly (string | number)[]): Promise<number> {
    return retryingDeadlocks(() =>
      table(name)
        .whereIn(column, [...values])
        .delete(),
    );
  }

  async function deleteEvents(days: number): Promise<number> {
    for (let deleted = 0; ; ) {
      const found: { id: number }[] = await table(AUDIT_TABLE)
        .select('id')
        .where('at', '<', before(days))
        .orderBy('id')
        .limit(ROWS_AT_ONCE);
      const ids = found.map(({ id }) => id);
      if (ids.length > 0) deleted += await deleteWhere(AUDIT_TABLE, 'id', ids);
      if (ids.length < ROWS_AT_ONCE) return deleted;
    }
  }

  async function deleteSessions(days: number): Promise<number> {
    for (let deleted = 0; ; ) {
      // No token lives for a day: one that is spent does not become new when its session's row goes.
      const found: EndedSession[] = await table(SESSIONS)
        .select('id', 'session_hash', 'token_id')
        .where({ state: 'ended' })
        .where('ended_at', '<', before(days))
        .orderBy('id')
        .limit(ROWS_AT_ONCE);
      if (found.length > 0) {
        await deleteWhere(
          HOLDERS,
          'session_hash',
          found.map((row) => row.session_hash),
        );
        await deleteWhere(
          SLOTS,
          'token_id',
          found.map((row) => row.token_id),
        );
        deleted += await deleteWhere(
          SESSIONS,
          'id',
          found.map((row) => row.id),
        );
      }
      if (found.length < ROWS_AT_ONCE) return deleted;
    }
  }

  /** Labels may name persons. Of what a link opened everything has ended by then. */
  async function deleteLinks(days: number): Promise<number> {
    for (let deleted = 0; ; ) {
      const found: { id: number; document_id: string }[] = await table(LINKS)
        .select('id', 'document_id')
        .where('expires_at', '<', before(days))
        .orWhere('revoked_at', '<', before(days))
        .orderBy('id')
        .limit(ROWS_AT_ONCE);
      const subjects = found.map(({ document_id: id }) => `guest-link:${id}`);
      if (found.length > 0) {
        await getService(strapi, 'playback-session').views.forgetSubjects(subjects);
        deleted += await deleteWhere(
          LINKS,
          'id',
          found.map(({ id }) => id),
        );
      }
      if (found.length < ROWS_AT_ONCE) return deleted;
    }
  }

  return {
    /** A viewer who leaves says nothing: what is past its lifetime is ended here. Returns how many were looked at. */
    async endOverdue() {
      const { store } = getService(strapi, 'playback-session');
      for (let ended = 0; ; ) {
        const some = await store.endOverdue(configOf(strapi).session.maxLifetimeSeconds);
        ended += some;
        if (some === 0) return ended;
      }
    },
    async sweep() {
      const { audit, session, guestLinks } = configOf(strapi);
      return {
        events: audit.retentionDays === null ? 0 : await deleteEvents(audit.retentionDays),
        sessions: session.retentionDays === null ? 0 : await deleteSessions(session.retentionDays),
        guestLinks: guestLinks.retentionDays === null ? 0 : await deleteLinks(guestLinks.retentionDays),
      };
    },
  };
}
