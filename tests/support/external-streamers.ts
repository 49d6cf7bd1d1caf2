import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { StreamerKeys } from '../../server/contracts';
import { freePort } from './free-port';
import { until } from './until';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');

/** A streamer as systemd would run it: a process of its own that can be killed and started again. */
export interface ExternalStreamer {
  /** `http://127.0.0.1:<port>`; the same after a restart. */
  url: string;
  port: number;
  /** All that it has printed. */
  output(): string;
  metrics(): Promise<string>;
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it, also anew, and waits until it is ready. */
  start(): Promise<void>;
  dispose(): Promise<void>;
}

export interface ExternalStreamerOptions {
  keys: StreamerKeys;
  /** `<site>/api/protected-vod/internal`. */
  internalUrl: string;
  storageRoot: string;
  /** Default: a free one. */
  port?: number;
  env?: Record<string, string>;
}

/** Starts one and waits until it is ready: its last sync was answered. */
export async function startExternalStreamer(options: ExternalStreamerOptions): Promise<ExternalStreamer> {
  const { keys, internalUrl, storageRoot, env = {} } = options;
  const directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-streamer-'));
  const keysFile = path.join(directory, 'keys.json');
  await writeFile(keysFile, JSON.stringify(keys), { mode: 0o600 });
  const port = options.port ?? (await freePort());
  const opsPort = await freePort();
  const ops = `http://127.0.0.1:${opsPort}`;
  let child: ChildProcess | null = null;
  let output = '';

  async function start(): Promise<void> {
    const started = spawn(process.execPath, [CLI, 'streamer'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH ?? '',
        PROTECTED_VOD_STREAMER_KEYS_FILE: keysFile,
        PROTECTED_VOD_INTERNAL_URL: internalUrl,
        PROTECTED_VOD_STORAGE_ROOT: storageRoot,
        PROTECTED_VOD_CACHE_DIR: path.join(directory, 'cache'),
        PROTECTED_VOD_PORT: String(port),
        PROTECTED_VOD_OPS_PORT: String(opsPort),
        PROTECTED_VOD_LOG_LEVEL: 'warn',
        ...env,
      },
    });
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.on('data', (chunk) => {
        output += String(chunk);
      });
    }
    await until('the streamer is ready', async () => {
      if (started.exitCode !== null) throw new Error(`the streamer has ended:\n${output}`);
      return (await fetch(`${ops}/readyz`).catch(() => null))?.status === 200;
    });
  }

  async function kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    running.kill(signal);
    await once(running, 'exit');
  }

  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    output: () => output,
    metrics: async () => (await fetch(`${ops}/metrics`)).text(),
    kill,
    start,
    async dispose() {
      await kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
