import { randomBytes } from 'node:crypto';
import { DATABASE_SERVERS } from './database-servers.mjs';

export type ServerClient = keyof typeof DATABASE_SERVERS;

/** A database of its own on one of the servers. */
export interface TestDatabase {
  /** What the test site's `config/database.js` reads. */
  env: Record<string, string>;
  drop(): Promise<void>;
}

export async function createTestDatabase(client: ServerClient): Promise<TestDatabase> {
  const { port, user, run, creation, setting, removal } = DATABASE_SERVERS[client];
  const name = `pvod_test_${process.env.TEST_RUN ?? process.pid}_${randomBytes(4).toString('hex')}`;
  await run(`CREATE DATABASE ${name} ${creation}`);
  if (setting !== null) await run(`ALTER DATABASE ${name} ${setting}`);
  return {
    env: {
      DATABASE_CLIENT: client,
      DATABASE_HOST: '127.0.0.1',
      DATABASE_PORT: String(port),
      DATABASE_NAME: name,
      DATABASE_USERNAME: user,
    },
    async drop() {
      await run(`DROP DATABASE IF EXISTS ${name} ${removal}`);
    },
  };
}

/** What `DATABASE_CLIENT` asks for; null: SQLite. */
export function requestedServer(): ServerClient | null {
  const client = process.env.DATABASE_CLIENT ?? 'sqlite';
  if (client === 'sqlite') return null;
  if (client === 'postgres' || client === 'mysql') return client;
  throw new Error(`DATABASE_CLIENT=${client} is not known to the tests.`);
}
