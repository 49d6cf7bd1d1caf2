import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newSecrets } from './site-secrets';
import { createTestDatabase, requestedServer } from './test-database';

interface Status {
  state: string;
  pid: number | null;
  restarts: number;
  sitePort: number | null;
}

/** A Strapi that can be killed: the test site in a process of its own. The plugin comes from `dist`: build first. */
export interface SiteProcess {
  process: ChildProcess;
  /** All that it has printed, and its streamer's log with it. */
  output(): string;
  status(): Status | undefined;
  /** Resolves to what `probe` finds, once it finds something; asked whenever the site tells anything. */
  when<T>(probe: () => T | null | undefined): Promise<T>;
  /** Resolves to the site's address once it listens; for sites whose streamers run elsewhere. */
  listening(): Promise<string>;
  /** Resolves when the streamer is RUNNING and is another process than `otherThan`. */
  running(otherThan?: number): Promise<{ pid: number; url: string }>;
  /** Ends it if it lives, and removes its files. */
  dispose(): Promise<void>;
}

export interface SiteProcessOptions {
  command?: 'start' | 'load';
  /** Over that of this process; `undefined`: without what this one has. */
  env?: NodeJS.ProcessEnv;
}

function environment(directory: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...newSecrets(),
    NODE_ENV: 'test',
    STRAPI_TELEMETRY_DISABLED: 'true',
    PORT: '0',
    DATABASE_CLIENT: 'sqlite',
    DATABASE_FILENAME: path.join(directory, 'data.db'),
    PROTECTED_VOD_TEST_CONFIG: JSON.stringify({ storage: { root: path.join(directory, 'storage') } }),
    ...env,
  };
}

function parseStatus(line: string): Status | undefined {
  return line.startsWith('{"site":') ? (JSON.parse(line) as { site: Status }).site : undefined;
}

/** Starts the site, or only loads it as `strapi console` does. Does not wait for it. */
export async function startSiteProcess({ command = 'start', env = {} }: SiteProcessOptions = {}): Promise<SiteProcess> {
  const directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-site-'));
  const client = env.DATABASE_CLIENT === undefined ? requestedServer() : null;
  const database = client && (await createTestDatabase(client));
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'site-child.cjs'), command], {
    env: environment(directory, { ...database?.env, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const news = new EventEmitter();
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
      news.emit('news');
    });
  }
  child.once('exit', () => news.emit('news'));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const status = () => output.split('\n').slice(0, -1).map(parseStatus).filter(Boolean).at(-1);
  // No deadline but the test's: how long a boot takes depends on what else the machine does.
  async function when<T>(probe: () => T | null | undefined): Promise<T> {
    for (;;) {
      const found = probe();
      if (found !== null && found !== undefined) return found;
      if (hasEnded()) throw new Error(`the site has ended:\n${output}`);
      await once(news, 'news');
    }
  }
  return {
    process: child,
    output: () => output,
    status,
    when,
    listening: () =>
      when(() => {
        const port = status()?.sitePort;
        return port ? `http://127.0.0.1:${port}` : null;
      }),
    running: (otherThan) =>
      when(() => {
        const now = status();
        if (now?.state !== 'RUNNING' || now.pid === null || now.pid === otherThan) return null;
        return { pid: now.pid, url: `http://127.0.0.1:${now.sitePort}` };
      }),
    async dispose() {
      if (!hasEnded()) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await database?.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
