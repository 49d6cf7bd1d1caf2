import { randomBytes } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { TOKEN_ROUND_UID } from '../../content-types/uids';
import type { Origin } from '../../tokens/playback-token';
import { batched } from '../batch';
import { retryingDeadlocks } from './deadlock';
import type { Scope } from './store';

const TABLE = 'protected_vod_token_rounds';
const EVERYBODY = 'all';

const rowSchema = z.object({ subject: z.string(), round: z.coerce.number().int() });

/** Whom and what a token names. */
interface TokenSubject {
  origin: Origin;
  video: string;
}

/**
 * Which tokens still open sessions: those whose round is the current one. Nothing is written when a token is minted, so
 * ending the sessions of somebody would leave the tokens that were not used yet.
 */
export interface TokenRounds {
  /** Never falls. What is asked for in one turn of the event loop costs one query. */
  current(about: TokenSubject): Promise<number>;
  /** The same as one column of another statement, of the video that `videoColumn` names; null is 0. */
  column(origin: Origin, videoColumn: string): ReturnType<typeof columnOf>;
  /** Within the transaction of the change that calls it, where there is one. */
  raise(scope: Scope): Promise<void>;
}

function subjectsOfOrigin(origin: Origin): string[] {
  if (origin.kind === 'public') return [];
  const own = `${origin.kind}:${origin.id}`;
  return origin.kind === 'user' && origin.apiToken !== undefined ? [own, `api-token:${origin.apiToken}`] : [own];
}

/** Where several are named, or what no token names, more tokens are taken back than had to be. */
function subjectOfScope({ origin, apiToken, video }: Scope): string {
  if (origin) return `${origin.kind}:${origin.id}`;
  if (apiToken !== undefined) return `api-token:${apiToken}`;
  return video === undefined ? EVERYBODY : `video:${video}`;
}

function columnOf({ db }: Core.Strapi, origin: Origin, videoColumn: string) {
  // In MySQL and MariaDB the other sign is a logical OR.
  const prefixed = db.dialect.client === 'sqlite' ? "'video:' || ??" : "concat('video:', ??)";
  return db
    .getConnection(TABLE)
    .sum('round')
    .whereIn('subject', [EVERYBODY, ...subjectsOfOrigin(origin)])
    .orWhere('subject', db.connection.raw(prefixed, [videoColumn]));
}

export function createTokenRounds(strapi: Core.Strapi): TokenRounds {
  async function read(subjects: string[]): Promise<Map<string, number>> {
    const rows: unknown[] = await strapi.db
      .query(TOKEN_ROUND_UID)
      .findMany({ select: ['subject', 'round'], where: { subject: { $in: subjects } } });
    return new Map(rows.map((row) => rowSchema.parse(row)).map(({ subject, round }) => [subject, round]));
  }

  let asked: ReturnType<typeof batched<string, number>> | null = null;
  function roundOf(subject: string): Promise<number | null> {
    if (asked === null) {
      asked = batched(read);
      // It remembers; what comes after this turn asks anew.
      setImmediate(() => {
        asked = null;
      });
    }
    return asked(subject);
  }

  async function write(subject: string): Promise<void> {
    const timestamp = new Date();
    const row = {
      document_id: randomBytes(12).toString('hex'),
      subject,
      round: 1,
      created_at: timestamp,
      updated_at: timestamp,
    };
    const round = strapi.db.connection.raw('?? + 1', [`${TABLE}.round`]);
    await strapi.db.transaction(({ trx }) =>
      strapi.db
        .getConnection(TABLE)
        .transacting(trx)
        .insert(row)
        .onConflict('subject')
        .merge({ round, updated_at: timestamp }),
    );
  }

  return {
    async current({ origin, video }) {
      const subjects = [EVERYBODY, `video:${video}`, ...subjectsOfOrigin(origin)];
      const rounds = await Promise.all(subjects.map(roundOf));
      // None of them falls, so the sum is the same only where each is.
      return rounds.reduce<number>((sum, round) => sum + (round ?? 0), 0);
    },
    column: (origin, videoColumn) => columnOf(strapi, origin, videoColumn),
    async raise(scope) {
      const subject = subjectOfScope(scope);
      // A deadlock inside a transaction has ended that.
      await (strapi.db.inTransaction() ? write(subject) : retryingDeadlocks(() => write(subject)));
    },
  };
}
