import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { StreamerKeys } from '../../server/contracts';
import { freePort } from './free-port';
import { type ServerProcess, startServerProcess } from './server-process';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');

export interface StreamerCommand {
  /** Of its own: for keys and, unless `cacheDir` says else, segments. */
  directory: string;
  storageRoot: string;
  cacheDir?: string;
  keys: StreamerKeys;
  /** Of the file that they lie in. Default: 0600. */
  keysMode?: number;
  /** `<site>/api/protected-vod/internal`. */
  internalUrl: string;
  /** Default: free ones. */
  port?: number;
  opsPort?: number;
  /** Beside what every streamer is told. */
  env?: Record<string, string>;
  /** What the process is started through, e.g. `taskset -c 0`. */
  through?: string[];
}

export interface StreamerProcess extends ServerProcess {
  port: number;
  /** Of its health and metrics. */
  opsPort: number;
}

/** The built streamer in a process of its own, ready: its last sync was answered. Build first. */
export async function startStreamerProcess(command: StreamerCommand): Promise<StreamerProcess> {
  const { directory, storageRoot, keys, internalUrl, env = {}, through = [] } = command;
  const { port = await freePort(), opsPort = await freePort() } = command;
  await mkdir(directory, { recursive: true });
  const keysFile = path.join(directory, 'keys.json');
  await writeFile(keysFile, JSON.stringify(keys), { mode: command.keysMode ?? 0o600 });
  const [file = '', ...args] = [...through, process.execPath, CLI, 'streamer'];
  const told = {
    PATH: process.env.PATH ?? '',
    PROTECTED_VOD_STREAMER_KEYS_FILE: keysFile,
    PROTECTED_VOD_INTERNAL_URL: internalUrl,
    PROTECTED_VOD_STORAGE_ROOT: storageRoot,
    PROTECTED_VOD_CACHE_DIR: command.cacheDir ?? path.join(directory, 'cache'),
    PROTECTED_VOD_PORT: String(port),
    PROTECTED_VOD_OPS_PORT: String(opsPort),
  };
  const isUp = async () => (await fetch(`http://127.0.0.1:${opsPort}/readyz`).catch(() => null))?.ok === true;
  return { ...(await startServerProcess({ file, args, port, isUp, env: { ...told, ...env } })), port, opsPort };
}
