import type { Core } from '@strapi/strapi';

type Knex = Core.Strapi['db']['connection'];

const MARIADB_SECONDS = 1;

/**
 * Milliseconds since the epoch on the database's own clock, as an SQL expression. What one node writes and another
 * compares must not depend on how well their clocks agree.
 */
export function databaseNow(strapi: Core.Strapi, plusMs = 0): ReturnType<Knex['raw']> {
  const knex = strapi.db.connection;
  switch (strapi.db.dialect.client) {
    case 'postgres':
      return knex.raw('(extract(epoch from clock_timestamp()) * 1000)::bigint + ?', [plusMs]);
    case 'mysql':
      // Without an argument it knows no time zone, but only whole seconds.
      return knex.raw('UNIX_TIMESTAMP() * 1000 + ?', [plusMs === 0 ? 0 : plusMs + MARIADB_SECONDS * 1000]);
    default:
      return knex.raw('?', [Date.now() + plusMs]);
  }
}
