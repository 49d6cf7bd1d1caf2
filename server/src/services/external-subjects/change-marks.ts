import { randomBytes } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { subjectDigest } from '../../tokens/subject-origin';
import { getService } from '../get-service';
import { databaseNow } from '../playback-session/database-clock';
import { retryingDeadlocks } from '../playback-session/deadlock';
import type { Transaction } from '../playback-session/transaction';

const TABLE = 'protected_vod_subject_changes';

const rowSchema = z.object({ subject: z.string(), mark: z.string(), changed_at: z.coerce.number() });

export interface ChangeMarks {
  /** By the subject's key; without an entry: nothing was told of it lately. */
  of(keys: readonly string[]): Promise<Map<string, string>>;
  /** A new one, visible with the rest of the change; changes of one subject wait for each other here. */
  draw(key: string, trx: Transaction): Promise<string>;
  /** Forgets those that are older. */
  sweep(seconds: number): Promise<void>;
}

/**
 * The table of changes; see its schema. A change is written under each secret that is accepted, and the latest of what is
 * found under any of them counts: while one secret replaces another node by node, not every node knows both.
 */
export function createChangeMarks(strapi: Core.Strapi): ChangeMarks {
  const table = () => strapi.db.getConnection(TABLE);
  const digestsOf = (key: string) =>
    getService(strapi, 'keys')
      .accepted()
      .map(({ subjectDigestKey }) => subjectDigest(subjectDigestKey, key));

  return {
    async of(keys) {
      if (keys.length === 0) return new Map();
      const byDigest = new Map(keys.flatMap((key) => digestsOf(key).map((digest) => [digest, key] as const)));
      const rows: unknown[] = await table()
        .select(Object.keys(rowSchema.shape))
        .whereIn('subject', [...byDigest.keys()]);
      const found = rows.map((row) => rowSchema.parse(row)).toSorted((a, b) => a.changed_at - b.changed_at);
      return new Map(found.map(({ subject, mark }) => [byDigest.get(subject) ?? '', mark]));
    },
    async draw(key, trx) {
      const mark = randomBytes(12).toString('hex');
      const timestamp = new Date();
      const now = databaseNow(strapi);
      // In one order, so that two nodes with the same secrets in another one do not wait for each other.
      const rows = digestsOf(key)
        .toSorted()
        .map((subject) => ({
          document_id: randomBytes(12).toString('hex'),
          subject,
          mark,
          changed_at: now,
          created_at: timestamp,
          updated_at: timestamp,
        }));
      const before = `${TABLE}.changed_at`;
      // Some databases know whole seconds only: the later of two changes is to be told from the other all the same.
      const later = strapi.db.connection.raw('case when ?? < ? then ? else ?? + 1 end', [before, now, now, before]);
      await table()
        .transacting(trx)
        .insert(rows)
        .onConflict('subject')
        .merge({ mark, changed_at: later, updated_at: timestamp });
      return mark;
    },
    async sweep(seconds) {
      const before = databaseNow(strapi, -seconds * 1000);
      await retryingDeadlocks(() => table().where('changed_at', '<', before).delete());
    },
  };
}
