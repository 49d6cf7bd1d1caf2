import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { VodError } from '../errors';
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

/** The environment that Strapi would see. Throws `VodError` `env-file-unreadable`. */
export function readStrapiEnvironment(terminal: Terminal): NodeJS.Dict<string> {
  // dotenv never overrides what the environment has.
  return { ...readDotEnv(terminal), ...terminal.env };
}
