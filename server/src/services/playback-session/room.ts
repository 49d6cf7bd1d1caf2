import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { Concurrency } from '../entitlement/concurrency';
import type { Denial } from '../entitlement/decision';
import type { ViewAllowance } from '../entitlement/view-allowance';
import { idleMsOf } from './activity';
import { databaseNow } from './database-clock';
import { judgeSlots, type SlotHolder } from './slot-judgement';
import type { UsageLedger } from './usage-ledger';

const SLOTS = 'protected_vod_session_slots';
const SESSIONS = 'protected_vod_sessions';
const HOLDERS = 'protected_vod_session_holders';
const VIEWS = 'protected_vod_views';

/** What is missing, and what a caller is told who finds none. */
export type Shortage = Pick<Denial, 'reason' | 'refusal'>;

const NO_SLOT: Shortage = { reason: 'concurrency-limit', refusal: 'too-many-sessions' };

/** What one more session would need; null: that is not limited. */
export interface Demand {
  concurrency: Concurrency | null;
  views: ViewAllowance | null;
  /** Whose view, if it has one, is its own room. */
  tokenId?: string;
}

export interface SessionRoom {
  /**
   * For each demand what one more session lacks as things are now; null: nothing. Writes nothing and holds nothing: only
   * a redemption takes a slot and a view. One query for all, and none where nothing is limited.
   */
  lacking(demands: readonly Demand[]): Promise<(Shortage | null)[]>;
}

export interface SessionRoomParts {
  usage: UsageLedger;
  slotSilenceSeconds(): number;
}

const integer = z.coerce.number().int();

const takenSchema = z.object({
  kind: z.enum(['slot', 'view']),
  subject: z.string(),
  video: z.string(),
  token_id: z.string(),
  age_ms: integer,
  session_hash: z.string().nullable(),
  state: z.enum(['active', 'ended']).nullable(),
  started_at: integer.nullable(),
  last_seen_at: integer.nullable(),
  idle_ms: integer.nullable(),
});

type Taken = z.infer<typeof takenSchema>;

/** Slots with whose they are, and views with nobody's, in columns of the same names. */
function createReader(strapi: Core.Strapi) {
  const raw = (sql: string, bindings: readonly (string | ReturnType<typeof databaseNow>)[] = []) =>
    strapi.db.connection.raw(sql, [...bindings]);
  const age = (column: string) => raw('? - ?? as ??', [databaseNow(strapi), column, 'age_ms']);

  function slotsOf(subjects: readonly string[]) {
    const idle = strapi.db
      .getConnection(`${HOLDERS} as holder`)
      .select(raw('? - max(??)', [databaseNow(strapi), 'holder.seen_at']))
      .whereRaw('?? = ??', ['holder.session_hash', 'session.session_hash']);
    return strapi.db
      .getConnection(`${SLOTS} as slot`)
      .leftJoin(`${SESSIONS} as session`, 'session.token_id', 'slot.token_id')
      .select(raw("'slot' as kind"), 'slot.subject', raw("'' as video"), 'slot.token_id', age('slot.taken_at'))
      .select('session.session_hash', 'session.state', 'session.started_at', 'session.last_seen_at')
      .select(idle.as('idle_ms'))
      .whereIn('slot.subject', [...subjects]);
  }

  function viewsOf(allowances: readonly ViewAllowance[]) {
    const nothing = ['session_hash', 'state', 'started_at', 'last_seen_at', 'idle_ms'];
    return strapi.db
      .getConnection(VIEWS)
      .select(raw("'view' as kind"), 'subject', 'video', 'token_id', age('taken_at'))
      .select(nothing.map((column) => raw('null as ??', [column])))
      .whereIn('subject', [...new Set(allowances.map(({ subject }) => subject))])
      .whereIn('video', [...new Set(allowances.map(({ video }) => video))]);
  }

  return async (demands: readonly Demand[]): Promise<Taken[]> => {
    const subjects = new Set(demands.flatMap(({ concurrency }) => concurrency?.subject ?? []));
    const allowances = demands.flatMap(({ views }) => views ?? []);
    const parts = [
      ...(subjects.size > 0 ? [slotsOf([...subjects])] : []),
      ...(allowances.length > 0 ? [viewsOf(allowances)] : []),
    ];
    const [first, ...others] = parts;
    const rows: unknown[] = first === undefined ? [] : await first.unionAll(others);
    return rows.map((row) => takenSchema.parse(row));
  };
}

/** Whether there is room for one more session of a subject (S9), and for one more view. */
export function createSessionRoom(strapi: Core.Strapi, { usage, slotSilenceSeconds }: SessionRoomParts): SessionRoom {
  const read = createReader(strapi);

  function holderOf({ token_id: tokenId, age_ms: ageMs, idle_ms: idle, ...session }: Taken): SlotHolder {
    const { session_hash: hash, state, started_at: startedAt, last_seen_at: seenAt } = session;
    if (hash === null || state === null || startedAt === null || seenAt === null) {
      return { tokenId, ageMs, session: null };
    }
    const idleMs = idleMsOf({ written: seenAt, told: usage.lastSeenAt(hash), anywhereMs: idle });
    return { tokenId, ageMs, session: { hash, state, startedAt, idleMs } };
  }

  function hasSlot(taken: readonly Taken[], { subject, limit, atLimit }: Concurrency): boolean {
    const slots = taken.filter((row) => row.kind === 'slot' && row.subject === subject);
    const rules = { limit, atLimit, slotSilenceSeconds: slotSilenceSeconds() };
    return slots.length < limit || judgeSlots(slots.map(holderOf), rules).length > 0;
  }

  function hasView(taken: readonly Taken[], allowance: ViewAllowance, tokenId: string | undefined): boolean {
    const { subject, video, limit, windowSeconds } = allowance;
    const isCounted = (row: Taken) => row.kind === 'view' && row.subject === subject && row.video === video;
    const windowMs = windowSeconds === null ? Number.POSITIVE_INFINITY : windowSeconds * 1000;
    const views = taken.filter((row) => isCounted(row) && row.age_ms < windowMs);
    return views.length < limit || views.some((row) => row.token_id === tokenId);
  }

  return {
    async lacking(demands) {
      const taken = await read(demands);
      return demands.map(({ concurrency, views, tokenId }) => {
        if (concurrency !== null && !hasSlot(taken, concurrency)) return NO_SLOT;
        return views !== null && !hasView(taken, views, tokenId) ? views.usedUp : null;
      });
    },
  };
}
