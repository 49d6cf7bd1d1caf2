import { createHash, randomBytes } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { databaseNow } from '../playback-session/database-clock';
import { retryingDeadlocks } from '../playback-session/deadlock';
import type { Transaction } from '../playback-session/transaction';

const TABLE = 'protected_vod_subject_changes';

const rowSchema = z.object({ subject: z.string(), mark: z.string() });

export interface ChangeMarks {
  /** By the subject's key; without an entry: nothing was told of it lately. */
  of(keys: readonly string[]): Promise<Map<string, string>>;
  /** A new one, visible with the rest of the change; changes of one subject wait for each other here. */
  draw(key: string, trx: Transaction): Promise<string>;
  /** Forgets those that are older. */
  sweep(seconds: number): Promise<void>;
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** The table of changes; see its schema. */
export function createChangeMarks(strapi: Core.Strapi): ChangeMarks {
  const table = () => strapi.db.getConnection(TABLE);
  return {
    async of(keys) {
      if (keys.length === 0) return new Map();
      const byDigest = new Map(keys.map((key) => [digestOf(key), key]));
      const rows: unknown[] = await table()
        .select('subject', 'mark')
        .whereIn('subject', [...byDigest.keys()]);
      const found = rows.map((row) => rowSchema.parse(row));
      return new Map(found.map(({ subject, mark }) => [byDigest.get(subject) ?? '', mark]));
    },
    async draw(key, trx) {
      const mark = randomBytes(12).toString('hex');
      const timestamp = new Date();
      const now = databaseNow(strapi);
      const row = {
        document_id: randomBytes(12).toString('hex'),
        subject: digestOf(key),
        mark,
        changed_at: now,
        created_at: timestamp,
        updated_at: timestamp,
      };
      await table()
        .transacting(trx)
        .insert(row)
        .onConflict('subject')
        .merge({ mark, changed_at: now, updated_at: timestamp });
      return mark;
    },
    async sweep(seconds) {
      const before = databaseNow(strapi, -seconds * 1000);
      await retryingDeadlocks(() => table().where('changed_at', '<', before).delete());
    },
  };
}
