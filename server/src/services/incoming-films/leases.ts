import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { databaseNow } from '../playback-session/database-clock';
import { retryingDeadlocks } from '../playback-session/deadlock';
import { INCOMING_TABLE } from './records';

/** Of a process that has died, others wait so long. */
export const LEASE_MS = 10_000;

const rowSchema = z.object({ holder: z.string().nullable(), is_wanted: z.coerce.boolean() });

export interface IncomingLeases {
  /** `missing`: there is no such film on its way. */
  take(id: string, mark: string): Promise<'taken' | 'held' | 'missing'>;
  /** Asks the holder to let go. */
  want(id: string): Promise<void>;
  renew(id: string, mark: string): Promise<'held' | 'wanted' | 'lost'>;
  release(id: string, mark: string): Promise<void>;
}

/** Who is at work on which incoming film. One at a time, on whatever node. */
export function createIncomingLeases(strapi: Core.Strapi): IncomingLeases {
  const table = () => strapi.db.getConnection(INCOMING_TABLE);
  const until = () => databaseNow(strapi, LEASE_MS);

  return {
    async take(id, mark) {
      const lease = { holder: mark, held_until: until(), is_wanted: false };
      const taken = await retryingDeadlocks(() =>
        table()
          .where({ incoming_id: id })
          .where((free) => free.whereNull('holder').orWhere('held_until', '<', databaseNow(strapi)))
          .update(lease),
      );
      if (taken > 0) return 'taken';
      return (await table().select('id').where({ incoming_id: id }).first()) === undefined ? 'missing' : 'held';
    },
    async want(id) {
      await retryingDeadlocks(() => table().where({ incoming_id: id }).update({ is_wanted: true }));
    },
    async renew(id, mark) {
      const where = { incoming_id: id, holder: mark };
      const renewed = await retryingDeadlocks(() => table().where(where).update({ held_until: until() }));
      if (renewed === 0) return 'lost';
      const row: unknown = await table().select('holder', 'is_wanted').where({ incoming_id: id }).first();
      const found = rowSchema.safeParse(row).data;
      if (found?.holder !== mark) return 'lost';
      return found.is_wanted ? 'wanted' : 'held';
    },
    async release(id, mark) {
      const where = { incoming_id: id, holder: mark };
      await retryingDeadlocks(() => table().where(where).update({ holder: null, held_until: null, is_wanted: false }));
    },
  };
}
