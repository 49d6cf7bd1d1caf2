import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { newSecrets } from './site-secrets';
import { createTestDatabase, requestedServer, type ServerClient } from './test-database';

// Strapi's ESM build imports directories, which Node's own loader refuses; its CommonJS build is what sites run.
const { createStrapi } = createRequire(import.meta.url)('@strapi/strapi') as typeof import('@strapi/strapi');

const APP_DIR = path.resolve(import.meta.dirname, '../app');

/** A running Strapi with the plugin, on a fresh database and a fresh storage root. One per test file. */
export interface StrapiApp {
  strapi: Core.Strapi;
  /** `http://127.0.0.1:<port>`, no trailing slash. */
  url: string;
  /** Absolute path of the plugin's storage root; the plugin makes it. */
  storageRoot: string;
  /** Stops Strapi and removes database and storage root. */
  stop(): Promise<void>;
}

export interface StrapiAppOptions {
  /** Merged over `{ storage: { root } }`, one level deep. */
  pluginConfig?: Record<string, object>;
  /** Set before Strapi reads its configuration; null unsets. */
  env?: Record<string, string | null>;
  /** Default: what `DATABASE_CLIENT` says, or SQLite. */
  database?: ServerClient | null;
}

function pluginConfigJson(storageRoot: string, overrides: StrapiAppOptions['pluginConfig'] = {}): string {
  const { storage, ...rest } = overrides;
  return JSON.stringify({ storage: { root: storageRoot, ...storage }, ...rest });
}

function applyEnvironment(values: Record<string, string | null>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === null) delete process.env[name];
    else process.env[name] = value;
  }
}

/** `strapi.destroy()` removes every listener of the process, also those through which the test runner talks to it. */
async function keepingProcessListeners(action: () => Promise<unknown>): Promise<void> {
  const kept = process.eventNames().map((name) => ({ name, listeners: process.rawListeners(name) }));
  await action();
  for (const { name, listeners } of kept) {
    for (const listener of listeners) {
      if (!process.rawListeners(name).includes(listener)) process.on(name, listener as () => void);
    }
  }
}

/** Boots `tests/app` in this process and listens on a free loopback port. The plugin comes from `dist`: build first. */
export async function startStrapiApp(options: StrapiAppOptions = {}): Promise<StrapiApp> {
  const { database: client = requestedServer() } = options;
  const database = client && (await createTestDatabase(client));
  const clientBefore = process.env.DATABASE_CLIENT ?? null;
  const directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-app-'));
  const storageRoot = path.join(directory, 'storage');
  applyEnvironment({
    NODE_ENV: 'test',
    STRAPI_TELEMETRY_DISABLED: 'true',
    LOG_LEVEL: 'error',
    ...newSecrets(),
    DATABASE_CLIENT: 'sqlite',
    DATABASE_FILENAME: path.join(directory, 'data.db'),
    ...database?.env,
    PROTECTED_VOD_TEST_CONFIG: pluginConfigJson(storageRoot, options.pluginConfig),
    ...options.env,
  });

  const strapi = await createStrapi({ appDir: APP_DIR, distDir: APP_DIR }).load();
  strapi.server.mount();
  // It shares this process: while that computes, connections must not run out that `fetch` is about to use again.
  strapi.server.httpServer.keepAliveTimeout = 30_000;
  strapi.server.httpServer.listen(0, '127.0.0.1');
  await once(strapi.server.httpServer, 'listening');
  const { port } = strapi.server.httpServer.address() as AddressInfo;
  // Strapi's own `listen()` would have set it; the plugin's children are told where to call.
  strapi.config.set('server.port', port);

  return {
    strapi,
    url: `http://127.0.0.1:${port}`,
    storageRoot,
    async stop() {
      strapi.server.httpServer.closeAllConnections();
      await keepingProcessListeners(() => strapi.destroy());
      applyEnvironment({ DATABASE_CLIENT: clientBefore });
      await database?.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
