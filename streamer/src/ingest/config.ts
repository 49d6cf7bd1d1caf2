import { type IngestSettings, ingestKeysSchema, ingestSettingsSchema } from '../../../server/contracts';
import { parseBy, readVariables, variablesOf } from '../environment';
import { checkInternalUrl } from '../internal-url';
import { readKeysFile } from '../keys-file';

const PREFIX = 'PROTECTED_VOD_';

// Variable name without its prefix → setting. Credentials are missing on purpose: S1 keeps them out of environments.
const TEXT = {
  INTERNAL_URL: 'internalUrl',
  STORAGE_ROOT: 'storageRoot',
  FFMPEG: 'ffmpeg',
  INGEST_CONFINEMENT: 'confinement',
  INGEST_ENCODER: 'encoder',
  LOG_LEVEL: 'logLevel',
} as const;
const NUMBERS = {
  INGEST_POLL_SECONDS: 'pollSeconds',
  INGEST_MAX_MEMORY_BYTES: 'maxMemoryBytes',
  INGEST_MAX_TOOL_SECONDS: 'maxToolSeconds',
  INGEST_MAX_PIXELS: 'maxPixels',
} as const;
const KEYS_FILE = `${PREFIX}INGEST_KEYS_FILE`;

const TABLE = { text: TEXT, numbers: NUMBERS };
const VARIABLE_OF = variablesOf(TABLE);

/** Parses what came over IPC or from `readIngestEnvironment`, once; the result is frozen. */
export function parseIngestSettings(input: unknown): Readonly<IngestSettings> {
  const settings = parseBy(ingestSettingsSchema, input, VARIABLE_OF);
  checkInternalUrl(settings.internalUrl);
  return Object.freeze(settings);
}

/** Process managers such as PM2 fork with IPC too; a file of keys tells that no plugin will send settings. */
export function namesIngestKeysFile(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env[KEYS_FILE]);
}

/** The settings of a worker that was not started by the plugin. Only here is the environment read. */
export function readIngestEnvironment(env: NodeJS.ProcessEnv): Readonly<IngestSettings> {
  const keys = readKeysFile(env, { variable: KEYS_FILE, role: 'ingest', schema: ingestKeysSchema });
  return parseIngestSettings({ keys, ...readVariables(env, TABLE) });
}
