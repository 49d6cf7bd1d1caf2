import { type StreamerSettings, streamerKeysSchema, streamerSettingsSchema } from '../../server/contracts';
import { parseBy, readVariables, variablesOf } from './environment';
import { checkInternalUrl } from './internal-url';
import { readKeysFile } from './keys-file';
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

const TABLE = { text: TEXT, numbers: NUMBERS, lists: LISTS, flags: FLAGS };
const VARIABLE_OF: Record<string, string> = {
  ...variablesOf(TABLE),
  ...Object.fromEntries(Object.entries(RTMP_VARIABLES).map(([variable, setting]) => [setting, variable])),
};

/** Parses what came over IPC or from `readEnvironment`, once; the result is frozen. */
export function parseSettings(input: unknown): Readonly<StreamerSettings> {
  const settings = parseBy(streamerSettingsSchema, input, VARIABLE_OF);
  checkInternalUrl(settings.internalUrl);
  return Object.freeze(settings);
}

/** Process managers such as PM2 fork with IPC too; a file of keys tells that no plugin will send settings. */
export function namesKeysFile(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env[KEYS_FILE]);
}

/** The settings of a streamer that was not started by the plugin. Only here is the environment read. */
export function readEnvironment(env: NodeJS.ProcessEnv): Readonly<StreamerSettings> {
  const keys = readKeysFile(env, { variable: KEYS_FILE, role: 'streamer', schema: streamerKeysSchema });
  return parseSettings({ keys, ...readVariables(env, TABLE), rtmp: readRtmpEnvironment(env) });
}
