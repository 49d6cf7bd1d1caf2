import { randomBytes, randomInt } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { ViewAllowance } from '../entitlement/view-allowance';
import { databaseNow } from './database-clock';
import { retryingDeadlocks } from './deadlock';
import { freeSlots } from './slot-judgement';

const TABLE = 'protected_vod_views';
/** Each is lost to another redemption, and almost each of those leaves less to lose. */
const MAX_ATTEMPTS = 64;

const countSchema = z.object({ subject: z.string(), views: z.coerce.number().int() });
const viewSchema = z.object({ number: z.coerce.number().int(), token_id: z.string(), age_ms: z.coerce.number() });

/** The views that users and guests have had of videos. A view is a redemption: what follows within its session is no other. */
export interface SessionViews {
  /** Takes a view for the session that this token is about to open; true also where it has taken one already. */
  claim(tokenId: string, allowance: ViewAllowance): Promise<boolean>;
  /** Of a redemption that opened no session after all. */
  release(tokenId: string): Promise<void>;
  /** By subject, how many were had; without an entry: none. */
  counts(subjects: readonly string[]): Promise<Map<string, number>>;
  /** Forgets all of theirs. */
  forgetSubjects(subjects: readonly string[]): Promise<void>;
  /** Forgets the views that began so long ago, save those that count for ever. */
  sweep(windowSeconds: number): Promise<void>;
}

/** Whether a view counts no more. */
function isOver({ age_ms: ageMs }: z.infer<typeof viewSchema>, { windowSeconds }: ViewAllowance): boolean {
  return windowSeconds !== null && ageMs >= windowSeconds * 1000;
}

export function createSessionViews(strapi: Core.Strapi): SessionViews {
  const table = () => strapi.db.getConnection(TABLE);

  async function of({ subject, video }: ViewAllowance) {
    const age = strapi.db.connection.raw('? - ?? as ??', [databaseNow(strapi), 'taken_at', 'age_ms']);
    const rows: unknown[] = await table().select('number', 'token_id', age).where({ subject, video });
    return rows.map((row) => viewSchema.parse(row));
  }

  async function take(tokenId: string, number: number, { subject, video }: ViewAllowance): Promise<void> {
    const timestamp = new Date();
    const row = {
      document_id: randomBytes(12).toString('hex'),
      subject,
      video,
      number,
      token_id: tokenId,
      taken_at: databaseNow(strapi),
      created_at: timestamp,
      updated_at: timestamp,
    };
    // Outside any transaction: on PostgreSQL a conflict inside one would abort it.
    await retryingDeadlocks(() => table().insert(row).onConflict().ignore());
  }

  /** By the tokens' ids, so that a view that took the number meanwhile stays. */
  async function forget(tokenIds: readonly string[]): Promise<void> {
    if (tokenIds.length === 0) return;
    await retryingDeadlocks(() =>
      table()
        .whereIn('token_id', [...tokenIds])
        .delete(),
    );
  }

  return {
    async claim(tokenId, allowance) {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
        const views = await of(allowance);
        if (views.some((view) => view.token_id === tokenId)) return true;
        const past = views.filter((view) => isOver(view, allowance));
        await forget(past.map((view) => view.token_id));
        const numbers = views.filter((view) => !isOver(view, allowance)).map(({ number }) => number);
        const free = freeSlots(numbers, allowance.limit);
        // At random, so that those who come at once do not all try the same.
        const number = free[randomInt(free.length || 1)];
        if (number === undefined) return false;
        await take(tokenId, number, allowance);
      }
      return (await of(allowance)).some((view) => view.token_id === tokenId);
    },
    release: (tokenId) => forget([tokenId]),
    async counts(subjects) {
      const rows: unknown[] = await table()
        .select('subject')
        .count({ views: '*' })
        .whereIn('subject', [...subjects])
        .groupBy('subject');
      return new Map(rows.map((row) => countSchema.parse(row)).map(({ subject, views }) => [subject, views]));
    },
    async forgetSubjects(subjects) {
      await retryingDeadlocks(() =>
        table()
          .whereIn('subject', [...subjects])
          .delete(),
      );
    },
    async sweep(windowSeconds) {
      const before = databaseNow(strapi, -windowSeconds * 1000);
      await retryingDeadlocks(() =>
        table().where('taken_at', '<', before).whereNot('subject', 'like', 'guest-link:%').delete(),
      );
    },
  };
}
