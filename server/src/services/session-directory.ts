import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { AuditParty, SessionEntry, SessionQuery } from '../../contracts';
import { videoTitles, viewerNames } from './display-names';
import { getService } from './get-service';
import { columnsOfPerson, originOfPerson, type Person, personsIn, shownParty } from './person';
import { parseSessionRows, SESSION_COLUMNS, type SessionRow } from './playback-session/row';

const TABLE = 'protected_vod_sessions';
const LOG_ID_DIGITS = 8;

const integer = z.coerce.number().int();
const moreSchema = z.object({
  id: integer,
  end_reason: z.string().nullable(),
  // Null stays null: coercing would make it 1970.
  ended_at: z.union([z.null(), integer]),
  bytes: integer,
});
const COLUMNS = [...SESSION_COLUMNS, ...Object.keys(moreSchema.shape)];

type ListedRow = z.infer<typeof moreSchema> & { session: SessionRow };

/** A row that does not parse is left out, so that the others can be seen. */
function listedRow(row: unknown): ListedRow[] {
  const more = moreSchema.safeParse(row).data;
  return more ? parseSessionRows([row]).map((session) => ({ ...more, session })) : [];
}

function viewerOf({ origin_kind: kind, origin_id: id }: SessionRow): AuditParty {
  return shownParty(kind, id);
}

const instant = (at: number) => new Date(at).toISOString();

interface Names {
  nameOf(viewer: AuditParty): string | null;
  titles: Map<string, string>;
  idle: Map<string, number>;
}

function entryFrom(
  { session, ended_at: endedAt, end_reason: endReason, bytes }: ListedRow,
  names: Names,
): SessionEntry {
  const { video, state } = session;
  const viewer = viewerOf(session);
  return {
    id: session.document_id,
    logId: session.session_hash.slice(0, LOG_ID_DIGITS),
    state,
    endReason,
    user: { ...viewer, name: names.nameOf(viewer) },
    role: session.role,
    ...(viewer.kind === 'subject' && state === 'active' && { attributes: session.subject_attributes }),
    video: { documentId: video, title: names.titles.get(video) ?? null },
    locale: session.locale,
    asset: session.asset,
    clientPrefix: session.client_prefix || null,
    takeOvers: session.generation,
    startedAt: instant(session.started_at),
    endedAt: endedAt === null ? null : instant(endedAt),
    idleSeconds: state === 'ended' ? null : (names.idle.get(session.session_hash) ?? 0) / 1000,
    bytes,
  };
}

export interface SessionDirectoryService {
  list(query: SessionQuery): Promise<{ data: SessionEntry[]; next: number | null }>;
  pagesOf(person: Person): AsyncGenerator<SessionEntry[]>;
  end(id: string): Promise<number | null>;
  endOf(person: Person): Promise<number>;
  endOfVideo(documentId: string): Promise<number>;
}

/** The sessions as administrators see and end them. Nothing that is told here opens one. */
export function createSessionDirectoryService({ strapi }: { strapi: Core.Strapi }): SessionDirectoryService {
  const sessions = () => getService(strapi, 'playback-session');
  const table = () => strapi.db.getConnection(TABLE);

  async function entriesOf(found: readonly unknown[]): Promise<SessionEntry[]> {
    const rows = found.flatMap(listedRow);
    const active = rows.map(({ session }) => session).filter(({ state }) => state === 'active');
    const videos = rows.map(({ session }) => session.video);
    const nameOf = await viewerNames(
      strapi,
      rows.map(({ session }) => viewerOf(session)),
    );
    const names = { nameOf, titles: await videoTitles(strapi, videos), idle: await sessions().idleTimes(active) };
    return rows.map((row) => entryFrom(row, names));
  }

  async function page(query: SessionQuery): Promise<{ found: { id: number }[]; next: number | null }> {
    const { state, user, subject, guestLink, admin, video, since, limit, before } = query;
    const matching = table()
      .select(COLUMNS)
      .orderBy('id', 'desc')
      .limit(limit + 1);
    if (state !== undefined) matching.where({ state });
    for (const person of personsIn({ user, subject, guestLink, admin })) matching.where(columnsOfPerson(person));
    if (video !== undefined) matching.where({ video });
    if (since !== undefined) matching.where('started_at', '>=', since.getTime());
    if (before !== undefined) matching.where('id', '<', before);
    const found: { id: number }[] = await matching;
    const shown = found.slice(0, limit);
    return { found: shown, next: found.length > limit ? (shown.at(-1)?.id ?? null) : null };
  }

  return {
    /** In the order in which they began, the newest first: sessions that begin meanwhile move no page. */
    async list(query) {
      const { found, next } = await page(query);
      return { data: await entriesOf(found), next };
    },
    /** All of one person, the newest first, one page in memory at a time. */
    async *pagesOf(person) {
      for (let before: number | undefined; ; ) {
        const { found, next } = await page({ ...person, limit: 200, before });
        if (found.length > 0) yield await entriesOf(found);
        if (next === null) return;
        before = next;
      }
    },
    /** Returns how many were running, or null when there is no such session. */
    async end(id) {
      const row: { session_hash: string } | undefined = await table()
        .select('session_hash')
        .where({ document_id: id })
        .first();
      return row === undefined ? null : sessions().store.end(row.session_hash, 'ended-by-editor');
    },
    endOf: (person) => sessions().store.endScope({ origin: originOfPerson(person) }, 'ended-by-editor'),
    endOfVideo: (video) => sessions().store.endScope({ video }, 'ended-by-editor'),
  };
}
