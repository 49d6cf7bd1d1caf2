import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { AUDIT_KINDS, type AuditEntry, type AuditFilter, type AuditParty, type PageQuery } from '../../contracts';
import { AUDIT_TABLE } from './audit/event-table';
import { rowsAbout } from './audit/person-rows';
import { getService } from './get-service';
import { personsIn, shownParty } from './person';

const EXPORT_PAGE = 500;

const integer = z.coerce.number().int();
const text = z.string().nullable();
const rowSchema = z.object({
  id: integer,
  reference: z.string(),
  kind: z.enum(AUDIT_KINDS),
  at: integer,
  last_at: integer,
  count: integer,
  origin_kind: text,
  origin_id: text,
  actor: text,
  role: text,
  video: text,
  locale: text,
  asset: text,
  reason: text,
  rule: text,
  rule_reason: text,
  client_prefix: text,
  session: text,
});
const COLUMNS = Object.keys(rowSchema.shape);

type Row = z.infer<typeof rowSchema>;

function actorFrom(actor: string | null): AuditParty | null {
  const [kind, ...stored] = actor?.split(':') ?? [];
  return kind ? shownParty(kind, stored.join(':') || null) : null;
}

function entryFrom(row: Row): AuditEntry {
  const { reference, kind, count, role, video, locale, asset, reason, rule, session } = row;
  return {
    reference,
    kind,
    at: new Date(row.at).toISOString(),
    lastAt: new Date(row.last_at).toISOString(),
    count,
    user: row.origin_kind === null ? null : shownParty(row.origin_kind, row.origin_id),
    actor: actorFrom(row.actor),
    role,
    video,
    locale,
    asset,
    reason,
    rule,
    ruleReason: row.rule_reason,
    clientPrefix: row.client_prefix,
    session,
  };
}

/** A row that does not parse (another version's, say) is left out, so that the others can be read. */
function parseRows(rows: readonly unknown[]): Row[] {
  return rows.flatMap((row) => rowSchema.safeParse(row).data ?? []);
}

export interface AuditLogService {
  list(filter: AuditFilter, page: PageQuery): Promise<{ data: AuditEntry[]; next: number | null }>;
  find(reference: string): Promise<AuditEntry | null>;
  pages(filter: AuditFilter): AsyncGenerator<AuditEntry[]>;
}

/** The audit's reading end. What this node has not written yet is written first; other nodes are a second behind. */
export function createAuditLogService({ strapi }: { strapi: Core.Strapi }): AuditLogService {
  const flush = () => getService(strapi, 'audit').flush();

  function matching({ user, subject, guestLink, admin, since, until, ...equal }: AuditFilter) {
    const query = strapi.db.getConnection(AUDIT_TABLE).select(COLUMNS);
    for (const [column, value] of Object.entries(equal)) if (value !== undefined) query.where(column, value);
    for (const person of personsIn({ user, subject, guestLink, admin })) query.where(rowsAbout(person));
    if (since) query.where('at', '>=', since.getTime());
    if (until) query.where('at', '<=', until.getTime());
    return query;
  }

  return {
    /** In the order of writing, the newest first: what comes in meanwhile moves no page. */
    async list(filter, { limit, before }) {
      await flush();
      const query = matching(filter)
        .orderBy('id', 'desc')
        .limit(limit + 1);
      if (before !== undefined) query.where('id', '<', before);
      const found: { id: number }[] = await query;
      const shown = found.slice(0, limit);
      return { data: parseRows(shown).map(entryFrom), next: found.length > limit ? (shown.at(-1)?.id ?? null) : null };
    },
    async find(reference) {
      await flush();
      const row: unknown = await strapi.db.getConnection(AUDIT_TABLE).select(COLUMNS).where({ reference }).first();
      return parseRows(row === undefined ? [] : [row]).map(entryFrom)[0] ?? null;
    },
    /** All of them, the oldest first, one page in memory at a time. */
    async *pages(filter) {
      await flush();
      for (let after = 0; ; ) {
        const found: { id: number }[] = await matching(filter).where('id', '>', after).orderBy('id').limit(EXPORT_PAGE);
        if (found.length > 0) yield parseRows(found).map(entryFrom);
        const last = found.at(-1);
        if (!last || found.length < EXPORT_PAGE) return;
        after = last.id;
      }
    },
  };
}
