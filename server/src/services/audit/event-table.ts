import { randomBytes } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { RuleDenial } from '../entitlement/decision';
import { storedId } from '../person';
import { retryingDeadlocks } from '../playback-session/deadlock';
import { parseSessionRows, SESSION_COLUMNS } from '../playback-session/row';
import { type AuditEvent, type AuditRecord, factsOfSession, originOfEvent } from './event';
import type { RefusalWindow } from './refusal-windows';

export const AUDIT_TABLE = 'protected_vod_audit_events';
const SESSIONS = 'protected_vod_sessions';
export const ENDED_A_PAGE = 500;
const MAX_TEXT = 200;

const endedSchema = z.object({
  id: z.coerce.number(),
  end_mark: z.string(),
  end_reason: z.string().nullable(),
  bytes: z.coerce.number(),
  media_seconds: z.coerce.number(),
});
const ENDED_COLUMNS = [...SESSION_COLUMNS, ...Object.keys(endedSchema.shape)];

/** Written by a site's own code: whatever a database refuses would keep the rows beside it from being written. */
function plainText(text: string | undefined): string | null {
  return text?.replace(/\p{Cc}/gu, ' ').slice(0, MAX_TEXT) ?? null;
}

function rowFrom({ event, reference, at, lastAt, count }: AuditRecord): Record<string, unknown> {
  const origin = originOfEvent(event);
  const timestamp = new Date();
  return {
    document_id: randomBytes(12).toString('hex'),
    reference,
    kind: event.kind,
    at,
    last_at: lastAt,
    count,
    origin_kind: origin?.kind ?? null,
    origin_id: origin ? storedId(origin) : null,
    actor: event.actor ? `${event.actor.kind}:${storedId(event.actor) ?? ''}` : null,
    role: event.role ?? null,
    video: event.video ?? null,
    locale: event.locale ?? null,
    asset: event.asset ?? null,
    reason: event.reason ?? null,
    rule: plainText(event.rule?.name),
    rule_reason: plainText(event.rule?.reason),
    client_prefix: event.clientPrefix ?? null,
    session: event.session ?? null,
    created_at: timestamp,
    updated_at: timestamp,
  };
}

/** One statement that ended sessions; which ones, their rows tell by the mark. */
export interface EndMark {
  mark: string;
  actor: AuditEvent['actor'];
  /** By the session's `document_id`: rules that said so. */
  rules: ReadonlyMap<string, RuleDenial>;
}

export interface Ended {
  /** Of the session's row; the pages are in this order. */
  id: number;
  mark: string;
  /** Null: its session's row cannot be read. */
  event: AuditEvent | null;
}

export interface EventTable {
  insert(records: readonly AuditRecord[]): Promise<void>;
  raise(window: RefusalWindow): Promise<void>;
  endedBy(marks: readonly EndMark[], after: number): Promise<Ended[]>;
}

/** Plain statements on connections of their own: nothing here joins a transaction of the site. */
export function createEventTable(strapi: Core.Strapi): EventTable {
  const table = () => strapi.db.getConnection(AUDIT_TABLE);
  return {
    /** May be called again for rows of which it is not known whether they were written. */
    async insert(records) {
      await retryingDeadlocks(() => table().insert(records.map(rowFrom)).onConflict('reference').ignore());
    },
    /** Adds what the window has counted since. */
    async raise(window) {
      const { added, record } = window;
      const count = strapi.db.connection.raw('?? + ?', ['count', added]);
      await retryingDeadlocks(() =>
        table().where({ reference: record.reference }).update({ count, last_at: record.lastAt }),
      );
      window.added -= added;
    },
    /** At most `ENDED_A_PAGE`, those with an id above `after`. */
    async endedBy(marks, after) {
      const byMark = new Map(marks.map((one) => [one.mark, one]));
      const rows: unknown[] = await strapi.db
        .getConnection(SESSIONS)
        .select(ENDED_COLUMNS)
        .whereIn('end_mark', [...byMark.keys()])
        .where('id', '>', after)
        .orderBy('id')
        .limit(ENDED_A_PAGE);
      return rows.map((row) => {
        const { id, end_mark: mark, end_reason: reason, ...totals } = endedSchema.parse(row);
        const { actor, rules } = byMark.get(mark) ?? {};
        const usage = { bytes: totals.bytes, mediaSeconds: totals.media_seconds };
        // A row of another version of this plugin is passed by: it must not keep all others from being told.
        const events = parseSessionRows([row]).map((session): AuditEvent => {
          const rule = rules?.get(session.document_id);
          return { kind: 'end', ...factsOfSession(session), reason, rule, actor: actor ?? null, usage };
        });
        return { id, mark, event: events[0] ?? null };
      });
    },
  };
}
