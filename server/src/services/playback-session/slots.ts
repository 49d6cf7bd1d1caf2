import { randomBytes } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { databaseNow } from './database-clock';
import { retryingDeadlocks } from './deadlock';

const TABLE = 'protected_vod_session_slots';
const SESSIONS = 'protected_vod_sessions';
/** Long past any redemption. */
const SWEEP_AFTER_MS = 3_600_000;

const slotSchema = z.object({
  subject: z.string(),
  slot: z.coerce.number().int(),
  token_id: z.string(),
  age_ms: z.coerce.number(),
});
const tokenSchema = z.object({ token_id: z.string() });

export interface Slot {
  number: number;
  tokenId: string;
  /** By the database's clock, give or take a second. */
  ageMs: number;
}

export interface SessionSlots {
  of(subject: string): Promise<Slot[]>;
  ofAll(subjects: readonly string[]): Promise<Map<string, Slot[]>>;
  take(subject: string, number: number, tokenId: string): Promise<void>;
  isHeld(tokenId: string): Promise<boolean>;
  release(tokenIds: readonly string[]): Promise<void>;
  releaseEnded(where: Record<string, string>): Promise<void>;
  sweep(): Promise<void>;
}

/** The slot table. A session's slot is kept under its token's id, which the session's row has too. */
export function createSessionSlots(strapi: Core.Strapi): SessionSlots {
  const table = () => strapi.db.getConnection(TABLE);

  async function release(tokenIds: readonly string[]): Promise<void> {
    if (tokenIds.length === 0) return;
    await retryingDeadlocks(() =>
      table()
        .whereIn('token_id', [...tokenIds])
        .delete(),
    );
  }

  async function releaseEnded(where: Record<string, string>): Promise<void> {
    const rows: unknown[] = await table()
      .join(SESSIONS, `${SESSIONS}.token_id`, `${TABLE}.token_id`)
      .where({ state: 'ended', ...where })
      .select(`${TABLE}.token_id`);
    await release(rows.map((row) => tokenSchema.parse(row).token_id));
  }

  async function ofAll(subjects: readonly string[]): Promise<Map<string, Slot[]>> {
    const age = strapi.db.connection.raw('? - ?? as ??', [databaseNow(strapi), 'taken_at', 'age_ms']);
    const rows: unknown[] = await table()
      .select('subject', 'slot', 'token_id', age)
      .whereIn('subject', [...subjects]);
    const slots = new Map<string, Slot[]>(subjects.map((subject) => [subject, []]));
    for (const row of rows) {
      const { subject, slot, token_id: tokenId, age_ms: ageMs } = slotSchema.parse(row);
      slots.get(subject)?.push({ number: slot, tokenId, ageMs });
    }
    return slots;
  }

  return {
    async of(subject) {
      return (await ofAll([subject])).get(subject) ?? [];
    },
    /** An entry for each subject, in one query. */
    ofAll,
    /** Takes effect unless another token holds that slot, or this one another: look afterwards. */
    async take(subject, number, tokenId) {
      const timestamp = new Date();
      const row = {
        document_id: randomBytes(12).toString('hex'),
        subject,
        slot: number,
        token_id: tokenId,
        taken_at: databaseNow(strapi),
        created_at: timestamp,
        updated_at: timestamp,
      };
      // Outside any transaction: on PostgreSQL a conflict inside one would abort it.
      await retryingDeadlocks(() => table().insert(row).onConflict().ignore());
    },
    async isHeld(tokenId) {
      const row: unknown = await table().select('id').where({ token_id: tokenId }).first();
      return row !== undefined;
    },
    release,
    /** Of ended sessions only; `where` names columns of theirs. */
    releaseEnded,
    /** What was left by a process that died before it opened or released. */
    async sweep() {
      await releaseEnded({});
      const rows: unknown[] = await table()
        .select('token_id')
        .where('taken_at', '<', databaseNow(strapi, -SWEEP_AFTER_MS))
        .whereNotExists(
          strapi.db
            .getConnection(SESSIONS)
            .select('id')
            .whereRaw('?? = ??', [`${SESSIONS}.token_id`, `${TABLE}.token_id`]),
        );
      await release(rows.map((row) => tokenSchema.parse(row).token_id));
    },
  };
}
