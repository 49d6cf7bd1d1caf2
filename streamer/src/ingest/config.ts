import { type IngestSettings, ingestKeysSchema, ingestSettingsSchema } from '../../../server/contracts';
import { StreamError } from '../errors';
import { checkInternalUrl } from '../internal-url';
import { readKeysFile } from '../keys-file';

const PREFIX = 'PROTECTED_VOD_';

// Variable name without its prefix → setting. Credentials are missing on purpose: S1 keeps them out of environments.
const TEXT = {
  INTERNAL_URL: 'internalUrl',
  STORAGE_ROOT: 'storageRoot',
  FFMPEG: 'ffmpeg',
  INGEST_CONFINEMENT: 'confinement',
  LOG_LEVEL: 'logLevel',
} as const;
const NUMBERS = {
  INGEST_POLL_SECONDS: 'pollSeconds',
  INGEST_MAX_MEMORY_BYTES: 'maxMemoryBytes',
  INGEST_MAX_TOOL_SECONDS: 'maxToolSeconds',
  INGEST_MAX_PIXELS: 'maxPixels',
} as const;
const KEYS_FILE = `${PREFIX}INGEST_KEYS_FILE`;

const VARIABLE_OF: Record<string, string> = Object.fromEntries(
  Object.entries({ ...TEXT, ...NUMBERS }).map(([name, setting]) => [setting, PREFIX + name]),
);

/** Parses what came over IPC or from `readIngestEnvironment`, once; the result is frozen. */
export function parseIngestSettings(input: unknown): Readonly<IngestSettings> {
  const parsed = ingestSettingsSchema.safeParse(input);
  if (!parsed.success) {
    const sentences = parsed.error.issues.map(({ path: [setting = 'settings'], message }) => {
      return `${VARIABLE_OF[String(setting)] ?? String(setting)}: ${message}.`;
    });
    throw new StreamError('settings-invalid', sentences.join(' '));
  }
  checkInternalUrl(parsed.data.internalUrl);
  return Object.freeze(parsed.data);
}

/** Process managers such as PM2 fork with IPC too; a file of keys tells that no plugin will send settings. */
export function namesIngestKeysFile(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env[KEYS_FILE]);
}

/** The settings of a worker that was not started by the plugin. Only here is the environment read. */
export function readIngestEnvironment(env: NodeJS.ProcessEnv): Readonly<IngestSettings> {
  const keys = readKeysFile(env, { variable: KEYS_FILE, role: 'ingest', schema: ingestKeysSchema });
  const input: Record<string, unknown> = { keys };
  const present = (name: string): string | undefined => env[PREFIX + name]?.trim() || undefined;
  for (const [name, setting] of Object.entries(TEXT)) input[setting] = present(name);
  for (const [name, setting] of Object.entries(NUMBERS)) {
    const value = present(name);
    input[setting] = value === undefined ? undefined : Number(value);
  }
  return parseIngestSettings(input);
}
