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

/** Those of the least of some runs: what else the site does meanwhile can only add to them. */
export async function fewestStatementsOf(app: StrapiApp, action: () => Promise<unknown>): Promise<string[]> {
  let fewest = await statementsOf(app, action);
  for (let again = 0; again < 2; again += 1) {
    const statements = await statementsOf(app, action);
    if (statements.length < fewest.length) fewest = statements;
  }
  return fewest;
}

/** Some changes are written once more after their commits. */
export async function untilDatabaseIsQuiet(app: StrapiApp): Promise<void> {
  await until('the database is quiet', async () => (await statementsOf(app, () => delay(50))).length === 0);
}
