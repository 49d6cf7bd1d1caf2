import { databaseNow } from '../../playback-session/database-clock';
import type { Check } from '../examination';
import { fail, ok, warn } from '../finding';

const TESTED = new Set(['sqlite', 'postgres', 'mysql']);

export const database: Check = {
  name: 'database',
  async run({ strapi, site }) {
    const { client } = strapi.db.dialect;
    if (!TESTED.has(client)) return [fail(`${client} is none of SQLite, PostgreSQL, MySQL and MariaDB.`)];
    await strapi.db.connection.select(databaseNow(strapi));
    const streamers = site?.status?.mode === 'external' ? site.status.streamers.length : 0;
    if (client !== 'sqlite' || streamers < 2) return [ok(`${client} answers`)];
    return [
      warn(
        `sqlite serves one Strapi only, and ${streamers} external streamers ask it.`,
        'With several Strapi nodes use PostgreSQL, MySQL or MariaDB.',
      ),
    ];
  },
};
