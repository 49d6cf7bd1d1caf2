import { setTimeout as delay } from 'node:timers/promises';
import type { StrapiApp } from './strapi-app';
import { until } from './until';

/** The statements that reach the database of this process meanwhile. */
export async function statementsOf({ strapi }: StrapiApp, action: () => Promise<unknown>): Promise<string[]> {
  const statements: string[] = [];
  const listen = ({ sql }: { sql: string }) => statements.push(sql);
  strapi.db.connection.on('query', listen);
  await action();
  strapi.db.connection.removeListener('query', listen);
  return statements;
}

/** Some changes are written once more after their commits. */
export async function untilDatabaseIsQuiet(app: StrapiApp): Promise<void> {
  await until('the database is quiet', async () => (await statementsOf(app, () => delay(50))).length === 0);
}
