import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ingestCredentialOf } from './ingest-worker';
import type { StrapiApp } from './strapi-app';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');

/** `protected-vod ingest` in a process of its own, as systemd would run it. Build first. */
export interface IngestProcess {
  process: ChildProcess;
  /** All that it has printed. */
  output(): string;
  /** Ends it; resolves to its exit code, null where a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/**
 * In front of a command: it may make no namespaces, as in a container of Docker's default profile. In a user namespace of its own, where the
 * kernel counts them, and none is allowed.
 */
export const WITHOUT_NAMESPACES: readonly string[] = [
  ...['unshare', '--map-root-user', 'sh', '-ec'],
  'for one in user net mnt pid ipc; do echo 0 >"/proc/sys/user/max_$one"_namespaces; done; exec "$@"',
  'sh',
];

/** `env` is added to what a worker needs to know; `around` is put before its command. Does not wait for it. */
export async function startIngestProcess(
  app: StrapiApp,
  env: Record<string, string> = {},
  around: readonly string[] = [],
): Promise<IngestProcess> {
  const directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-ingest-'));
  const keysFile = path.join(directory, 'keys.json');
  await writeFile(keysFile, JSON.stringify({ credential: ingestCredentialOf(app) }), { mode: 0o600 });
  const [program = '', ...args] = [...around, process.execPath, CLI, 'ingest'];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      PROTECTED_VOD_INGEST_KEYS_FILE: keysFile,
      PROTECTED_VOD_INTERNAL_URL: `${app.url}/api/protected-vod/internal`,
      PROTECTED_VOD_STORAGE_ROOT: app.storageRoot,
      PROTECTED_VOD_INGEST_POLL_SECONDS: '0.1',
      ...env,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const closed = once(child, 'close');
  return {
    process: child,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await closed;
      await rm(directory, { recursive: true, force: true });
      return child.exitCode;
    },
  };
}
