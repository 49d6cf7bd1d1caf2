import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { UploadRecord, UploadRecords } from '../../storage/upload-records';
import { databaseNow } from '../playback-session/database-clock';
import { retryingDeadlocks } from '../playback-session/deadlock';
import { parseFate, type UploadFate } from './upload-fate';

export const INCOMING_TABLE = 'protected_vod_incoming_films';

// SQLite and MySQL give big integers as text.
const rowSchema = z.object({
  incoming_id: z.string(),
  size_bytes: z.coerce.number().int(),
  attempt: z.string().nullable(),
  expires_at: z.coerce.number().int(),
  checked_bytes: z.coerce.number().int().nullable(),
  fate: z.string().nullable(),
});
const idSchema = z.object({ incoming_id: z.string() });

export interface IncomingRecords extends UploadRecords {
  fateOf(id: string): Promise<UploadFate | null>;
  settle(id: string, fate: UploadFate): Promise<void>;
  ids(): Promise<string[]>;
  /** Forgets what has expired and nobody is at work on; answers their ids. */
  forgetExpired(): Promise<string[]>;
}

/** The rows of films that are on their way, as resumable uploads read and write them. */
export function createIncomingRecords(strapi: Core.Strapi): IncomingRecords {
  const table = () => strapi.db.getConnection(INCOMING_TABLE);

  async function row(id: string) {
    const found: unknown = await table().where({ incoming_id: id }).first();
    return found === undefined ? null : rowSchema.parse(found);
  }

  async function write(id: string, change: Record<string, string | null>): Promise<void> {
    await retryingDeadlocks(() => table().where({ incoming_id: id }).update(change));
  }

  async function remove(id: string): Promise<void> {
    await retryingDeadlocks(() => table().where({ incoming_id: id }).delete());
  }

  function expired() {
    return table()
      .where('expires_at', '<', databaseNow(strapi))
      .where((lease) => lease.whereNull('holder').orWhere('held_until', '<', databaseNow(strapi)));
  }

  return {
    async find(id): Promise<UploadRecord | null> {
      const found = await row(id);
      if (!found) return null;
      const { size_bytes: sizeBytes, attempt, expires_at: expiresAt, checked_bytes: checkedBytes, fate } = found;
      return { id, sizeBytes, attempt, expiresAt, checkedBytes, isSettled: fate !== null };
    },
    begin: (id, attempt) => write(id, { attempt, checked_bytes: null }),
    setCheckedBytes: (id, bytes) => write(id, { checked_bytes: bytes === null ? null : String(bytes) }),
    remove,
    async fateOf(id) {
      const fate = (await row(id))?.fate;
      return fate ? parseFate(fate) : null;
    },
    settle: (id, fate) => write(id, { fate: JSON.stringify(fate) }),
    async ids() {
      const rows: unknown[] = await table().select('incoming_id');
      return rows.map((found) => idSchema.parse(found).incoming_id);
    },
    async forgetExpired() {
      const rows: unknown[] = await expired().select('incoming_id');
      const forgotten: string[] = [];
      for (const found of rows) {
        const { incoming_id: id } = idSchema.parse(found);
        // Asked once more with the deletion: somebody may have gone on with it, or another node forgotten it.
        const deleted = await retryingDeadlocks(() => expired().where({ incoming_id: id }).delete());
        if (deleted > 0) forgotten.push(id);
      }
      return forgotten;
    },
  };
}
