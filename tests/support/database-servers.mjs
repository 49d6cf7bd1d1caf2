import mysql from 'mysql2/promise';
import { Client } from 'pg';

const HOST = '127.0.0.1';
const CONNECT_MS = 2_000;

/**
 * @typedef {object} DatabaseServer
 * @property {string} name
 * @property {number} port
 * @property {string} user
 * @property {(statement: string) => Promise<Record<string, string>[]>} run
 * @property {string} listing statement that lists the names of all databases as `name`
 * @property {string} creation what follows a new database's name
 * @property {string | null} setting what makes a database that need not survive a power failure faster
 * @property {string} removal what follows the name of one that is dropped
 */

/**
 * The servers that the tests know: on this machine, with an administrator who needs no password.
 * @type {Record<'postgres' | 'mysql', DatabaseServer>}
 */
export const DATABASE_SERVERS = {
  postgres: {
    name: 'PostgreSQL',
    port: 5432,
    user: 'postgres',
    async run(statement) {
      const client = new Client({ host: HOST, port: 5432, user: 'postgres', connectionTimeoutMillis: CONNECT_MS });
      await client.connect();
      try {
        return (await client.query(statement)).rows;
      } finally {
        await client.end();
      }
    },
    listing: 'SELECT datname AS name FROM pg_database',
    creation: '',
    setting: 'SET synchronous_commit = off',
    // Connections of a site that was killed may linger.
    removal: 'WITH (FORCE)',
  },
  mysql: {
    name: 'MariaDB',
    port: 3306,
    user: 'root',
    async run(statement) {
      const connection = await mysql.createConnection({ host: HOST, user: 'root', connectTimeout: CONNECT_MS });
      try {
        const [rows] = await connection.query(statement);
        return /** @type {Record<string, string>[]} */ (rows);
      } finally {
        await connection.end();
      }
    },
    listing: 'SELECT schema_name AS name FROM information_schema.schemata',
    creation: 'CHARACTER SET utf8mb4',
    // It has only such as hold for the whole server.
    setting: null,
    removal: '',
  },
};

/**
 * Whether a server of this kind answers here.
 * @param {'postgres' | 'mysql'} client
 */
export function answers(client) {
  return DATABASE_SERVERS[client].run('SELECT 1').then(
    () => true,
    () => false,
  );
}

/**
 * Drops what a run that was broken off has left.
 * @param {'postgres' | 'mysql'} client
 * @param {string} prefix
 */
export async function dropDatabases(client, prefix) {
  const { run, listing, removal } = DATABASE_SERVERS[client];
  for (const { name = '' } of await run(listing)) {
    if (name.startsWith(prefix)) await run(`DROP DATABASE IF EXISTS ${name} ${removal}`);
  }
}
