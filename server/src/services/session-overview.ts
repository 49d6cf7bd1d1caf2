import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { AuditParty, OperatorSession } from '../../contracts';
import { videoTitles, viewerNames } from './display-names';
import { getService } from './get-service';
import { shownParty } from './person';

const TABLE = 'protected_vod_sessions';
const MAX_SESSIONS = 500;
/** Who has been silent for longer is not watching. */
const SEEN_WITHIN_MS = 10 * 60 * 1000;
const ID_DIGITS = 8;

const integer = z.coerce.number().int();
const rowSchema = z.object({
  session_hash: z.string(),
  origin_kind: z.string(),
  origin_id: z.string().nullable(),
  role: z.string().nullable(),
  video: z.string(),
  client_prefix: z.string(),
  started_at: integer,
  last_seen_at: integer,
  bytes: integer,
});
type Row = z.infer<typeof rowSchema>;

export interface SessionOverviewService {
  /** Who has watched within the last ten minutes, the latest first; at most 500. Bytes are those up to the last renewal. */
  active(): Promise<OperatorSession[]>;
  /** Ends the active session whose hash begins so; returns how many do, and only one is ended. */
  end(hashStart: string): Promise<number>;
}

function viewerOf({ origin_kind: kind, origin_id: id }: Row): AuditParty {
  return shownParty(kind, id);
}

/** For who is called nothing: what the right to watch comes from. */
function nameless({ kind, id }: AuditParty): string {
  return kind === 'subject' && id !== null ? `subject ${id}` : kind;
}

/** The sessions as an operator looks at them. Nothing of it opens one. */
export function createSessionOverviewService({ strapi }: { strapi: Core.Strapi }): SessionOverviewService {
  const active = () => strapi.db.getConnection(TABLE).where({ state: 'active' });
  const lastSeenAt = (row: Row): number => {
    const { usage } = getService(strapi, 'playback-session');
    return Math.max(row.last_seen_at, usage.lastSeenAt(row.session_hash) ?? 0);
  };

  return {
    async active() {
      const found: unknown[] = await active()
        .select(Object.keys(rowSchema.shape))
        .where('last_seen_at', '>', Date.now() - SEEN_WITHIN_MS)
        .orderBy('last_seen_at', 'desc')
        .limit(MAX_SESSIONS);
      const rows = found.flatMap((row) => rowSchema.safeParse(row).data ?? []);
      const films = await videoTitles(
        strapi,
        rows.map(({ video }) => video),
      );
      const nameOf = await viewerNames(strapi, rows.map(viewerOf));
      return rows.map((row) => ({
        id: row.session_hash.slice(0, ID_DIGITS),
        viewer: nameOf(viewerOf(row)) ?? nameless(viewerOf(row)),
        role: row.role,
        video: films.get(row.video) ?? row.video,
        clientPrefix: row.client_prefix,
        startedAt: new Date(row.started_at).toISOString(),
        idleSeconds: Math.max(0, Date.now() - lastSeenAt(row)) / 1000,
        bytes: row.bytes,
      }));
    },
    async end(hashStart) {
      const found: unknown[] = await active()
        .where('session_hash', 'like', `${hashStart}%`)
        .select('session_hash')
        .limit(2);
      const hashes = found.flatMap((row) => z.object({ session_hash: z.string() }).safeParse(row).data ?? []);
      const [only, other] = hashes;
      if (only !== undefined && other === undefined) {
        await getService(strapi, 'playback-session').store.end(only.session_hash, 'ended-by-operator');
      }
      return hashes.length;
    },
  };
}
