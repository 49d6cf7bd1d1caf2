import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type StreamerKeys,
  type StreamerSettings,
  streamerKeysSchema,
  streamerSettingsSchema,
} from '../../server/contracts';
import { StreamError } from './errors';
import { RTMP_VARIABLES, readRtmpEnvironment } from './rtmp/environment';

const PREFIX = 'PROTECTED_VOD_';

// Variable name without its prefix → setting. Credentials are missing on purpose: S1 keeps them out of environments.
const TEXT = {
  INTERNAL_URL: 'internalUrl',
  STORAGE_ROOT: 'storageRoot',
  CACHE_DIR: 'cacheDir',
  HOST: 'host',
  OPS_HOST: 'opsHost',
  LOG_LEVEL: 'logLevel',
  ACCEL_PREFIX: 'accelPrefix',
} as const;
const NUMBERS = {
  PORT: 'port',
  OPS_PORT: 'opsPort',
  MEMORY_CACHE_BYTES: 'memoryCacheBytes',
  DISK_CACHE_BYTES: 'diskCacheBytes',
  CUT_THREADS: 'cutThreads',
  MAX_CONNECTIONS: 'maxConnections',
  MAX_RESPONSES_PER_SESSION: 'maxResponsesPerSession',
  DRAIN_SECONDS: 'drainSeconds',
} as const;
const LISTS = { TRUSTED_PROXIES: 'trustedProxies', CORS_ORIGINS: 'corsOrigins' } as const;
const FLAGS = { EDGE: 'edge' } as const;
const KEYS_FILE = `${PREFIX}STREAMER_KEYS_FILE`;

const VARIABLE_OF: Record<string, string> = Object.fromEntries([
  ...Object.entries({ ...TEXT, ...NUMBERS, ...LISTS, ...FLAGS }).map(([name, setting]) => [setting, PREFIX + name]),
  ...Object.entries(RTMP_VARIABLES).map(([variable, setting]) => [setting, variable]),
]);

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** S1: the credential travels over this connection, so it stays on this machine or is encrypted. */
function checkInternalUrl(settings: StreamerSettings): void {
  const url = new URL(settings.internalUrl);
  if (url.protocol === 'https:') return;
  if (url.protocol === 'http:' && LOOPBACK.has(url.hostname)) return;
  throw new StreamError(
    'internal-url-refused',
    `The internal URL must be https, or http on loopback; it is ${url.protocol}//${url.host}.`,
  );
}

/** Parses what came over IPC or from `readEnvironment`, once; the result is frozen. */
export function parseSettings(input: unknown): Readonly<StreamerSettings> {
  const parsed = streamerSettingsSchema.safeParse(input);
  if (!parsed.success) {
    const sentences = parsed.error.issues.map((issue) => {
      const setting = String(issue.path[0] ?? 'settings');
      return `${VARIABLE_OF[issue.path.join('.')] ?? VARIABLE_OF[setting] ?? setting}: ${issue.message}.`;
    });
    throw new StreamError('settings-invalid', sentences.join(' '));
  }
  checkInternalUrl(parsed.data);
  return Object.freeze(parsed.data);
}

/** systemd opens a credential to the service alone, by an access list that shows as readable by the group. */
function forbiddenBits(path: string, credentialsDirectory: string | undefined): number {
  return dirname(path) === credentialsDirectory ? 0o007 : 0o077;
}

function readKeys(path: string, credentialsDirectory: string | undefined): StreamerKeys {
  let text: string;
  try {
    if ((statSync(path).mode & forbiddenBits(path, credentialsDirectory)) !== 0) {
      throw new StreamError(
        'keys-file-refused',
        `${KEYS_FILE} is readable by others than its owner. Run chmod 600 on it.`,
      );
    }
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof StreamError) throw cause;
    throw new StreamError('keys-file-refused', `${KEYS_FILE} names a file that cannot be read.`, { cause });
  }
  try {
    return streamerKeysSchema.parse(JSON.parse(text));
  } catch {
    // The cause would quote the file, which holds the credential.
    throw new StreamError(
      'keys-file-refused',
      `${KEYS_FILE} does not hold streamer keys. Write it with: protected-vod secret print --role streamer`,
    );
  }
}

/** Process managers such as PM2 fork with IPC too; a file of keys tells that no plugin will send settings. */
export function namesKeysFile(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env[KEYS_FILE]);
}

/** The settings of a streamer that was not started by the plugin. Only here is the environment read. */
export function readEnvironment(env: NodeJS.ProcessEnv): Readonly<StreamerSettings> {
  const keysFile = env[KEYS_FILE];
  if (keysFile === undefined || keysFile === '') {
    throw new StreamError(
      'keys-file-refused',
      `${KEYS_FILE} is not set. It names a file made by: protected-vod secret print --role streamer`,
    );
  }
  const input: Record<string, unknown> = { keys: readKeys(keysFile, env.CREDENTIALS_DIRECTORY) };
  const present = (name: string): string | undefined => env[PREFIX + name]?.trim() || undefined;
  for (const [name, setting] of Object.entries(TEXT)) {
    const value = present(name);
    if (value !== undefined) input[setting] = value;
  }
  for (const [name, setting] of Object.entries(NUMBERS)) {
    const value = present(name);
    if (value !== undefined) input[setting] = Number(value);
  }
  for (const [name, setting] of Object.entries(FLAGS)) {
    const value = present(name);
    // Anything but the two words is refused by the schema.
    if (value !== undefined) input[setting] = value === 'true' ? true : value === 'false' ? false : value;
  }
  for (const [name, setting] of Object.entries(LISTS)) {
    const value = present(name);
    if (value !== undefined)
      input[setting] = value
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '');
  }
  return parseSettings({ ...input, rtmp: readRtmpEnvironment(env) });
}
