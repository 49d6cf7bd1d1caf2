import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { VodError } from '../errors';
import { keyMaterial } from '../tokens/secret';
import type { Terminal } from './terminal';

/** What `.env` holds, as Strapi reads it: from `ENV_PATH`, else from the app's directory. A missing file holds nothing. */
function readDotEnv({ env, cwd }: Terminal): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(path.resolve(cwd, env.ENV_PATH || '.env'), 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw new VodError('env-file-unreadable', 'The .env file cannot be read.', { cause: error });
  }
}

/** `APP_KEYS` as the templates of Strapi read it, with `env.array()`. */
function parseKeys(text: string): string[] {
  const list = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  return list.split(',').map((part) => part.trim().replace(/^"+|"+$/g, ''));
}

/**
 * The key material that the plugin would derive from, found without booting Strapi. A site that does not take its
 * `app.keys` from `APP_KEYS` must set `PROTECTED_VOD_SECRET`. Throws `VodError` `secret-refused` and `env-file-unreadable`.
 */
export function readAppSecret(terminal: Terminal): string {
  // dotenv never overrides what the environment has.
  const values = { ...readDotEnv(terminal), ...terminal.env };
  const { PROTECTED_VOD_SECRET: own, APP_KEYS: appKeys } = values;
  if (own !== undefined) return keyMaterial('PROTECTED_VOD_SECRET', [own]);
  if (appKeys !== undefined) return keyMaterial('app.keys', parseKeys(appKeys));
  throw new VodError(
    'secret-refused',
    'Neither PROTECTED_VOD_SECRET nor APP_KEYS is set, here or in .env. Run this in the directory of the Strapi app.',
  );
}
