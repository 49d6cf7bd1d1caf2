import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Grant, StreamerKeys } from '../../server/contracts';
import { freePort } from './free-port';
import { type ServerProcess, startServerProcess } from './server-process';
import { type StandInPlugin, startStandInPlugin } from './stand-in-plugin';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');
const CLIENT = { addressPrefix: '127.0.0.0/24', agent: '0123456789abcdef' };

export interface StreamerCommand {
  /** Of its own: for keys and, unless `cacheDir` says else, segments. */
  directory: string;
  storageRoot: string;
  cacheDir?: string;
  keys: StreamerKeys;
  internalUrl: string;
  /** Beside what every streamer is told. */
  env?: Record<string, string>;
  /** What the process is started through, e.g. `taskset -c 0`. */
  through?: string[];
}

/** The built streamer in a process of its own. Build first. */
export async function startStreamerProcess(command: StreamerCommand): Promise<ServerProcess & { port: number }> {
  const { directory, storageRoot, keys, internalUrl, env = {}, through = [] } = command;
  await mkdir(directory, { recursive: true });
  const port = await freePort();
  const keysFile = path.join(directory, 'keys.json');
  await writeFile(keysFile, JSON.stringify(keys), { mode: 0o600 });
  const [file = '', ...args] = [...through, process.execPath, CLI, 'streamer'];
  const told = {
    PATH: process.env.PATH ?? '',
    PROTECTED_VOD_STREAMER_KEYS_FILE: keysFile,
    PROTECTED_VOD_INTERNAL_URL: internalUrl,
    PROTECTED_VOD_STORAGE_ROOT: storageRoot,
    PROTECTED_VOD_CACHE_DIR: command.cacheDir ?? path.join(directory, 'cache'),
    PROTECTED_VOD_PORT: String(port),
  };
  return { ...(await startServerProcess({ file, args, port, env: { ...told, ...env } })), port };
}

/** The same with a stand-in plugin in this process. */
export interface LoneStreamer {
  port: number;
  plugin: StandInPlugin;
  /** Opens a session for any client on this machine; returns its id. */
  openSession(asset?: Grant['asset']): string;
  stop(): Promise<void>;
}

export async function startLoneStreamer(command: Omit<StreamerCommand, 'keys' | 'internalUrl'>): Promise<LoneStreamer> {
  const plugin = await startStandInPlugin();
  const { keys, internalUrl } = plugin;
  const streamer = await startStreamerProcess({ ...command, keys, internalUrl });
  return {
    port: streamer.port,
    plugin,
    openSession: (asset) => plugin.openSession(CLIENT, asset),
    async stop() {
      await streamer.stop();
      await plugin.stop();
    },
  };
}
