import { z } from 'zod';
import { configOf } from '../../../config';
import { databaseNow } from '../../playback-session/database-clock';
import type { Check } from '../examination';
import { fail, type Judgement, ok, skipped, warn } from '../finding';

/** MariaDB tells whole seconds. */
const NOTICED_MS = 2000;
const ADVICE = 'Let NTP set the clocks of all machines.';

const rowSchema = z.object({ now: z.coerce.number() });

/** A token that waits `lifetimeSeconds` at most must not be over, or last twice as long, by the clock of another node. */
export function judgeClock(aheadMs: number, lifetimeSeconds: number): Judgement {
  const seconds = Math.round(Math.abs(aheadMs) / 100) / 10;
  const message = `The clock of this machine is ${seconds} s ${aheadMs < 0 ? 'behind' : 'ahead of'} that of the database.`;
  if (Math.abs(aheadMs) > (lifetimeSeconds * 1000) / 2) return fail(message, ADVICE);
  if (Math.abs(aheadMs) > NOTICED_MS) return warn(message, ADVICE);
  return ok('this machine and the database agree on the time');
}

export const clock: Check = {
  name: 'clock',
  async run({ strapi }) {
    if (strapi.db.dialect.client === 'sqlite') return [skipped('SQLite has no clock of its own.')];
    const before = Date.now();
    const [row] = z
      .array(rowSchema)
      .parse(await strapi.db.connection.select(strapi.db.connection.raw('(?) as now', [databaseNow(strapi)])));
    const between = (before + Date.now()) / 2;
    return [judgeClock(between - (row?.now ?? 0), configOf(strapi).token.lifetimeSeconds)];
  },
};
