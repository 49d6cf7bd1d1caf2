import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { StreamError } from './errors';

export interface KeysFile<T> {
  /** Environment variable that names the file. */
  variable: string;
  /** As `protected-vod secret print` is told. */
  role: string;
  schema: z.ZodType<T>;
}

/** systemd opens a credential to the service alone, by an access list that shows as readable by the group. */
function forbiddenBits(path: string, credentialsDirectory: string | undefined): number {
  return dirname(path) === credentialsDirectory ? 0o007 : 0o077;
}

function readPrivately(path: string, env: NodeJS.ProcessEnv, variable: string): string {
  try {
    if ((statSync(path).mode & forbiddenBits(path, env.CREDENTIALS_DIRECTORY)) !== 0) {
      throw new StreamError(
        'keys-file-refused',
        `${variable} is readable by others than its owner. Run chmod 600 on it.`,
      );
    }
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof StreamError) throw cause;
    throw new StreamError('keys-file-refused', `${variable} names a file that cannot be read.`, { cause });
  }
}

/** The keys in the file that a variable names. Throws `keys-file-refused` with a sentence that says what to do. */
export function readKeysFile<T>(env: NodeJS.ProcessEnv, { variable, role, schema }: KeysFile<T>): T {
  const path = env[variable];
  const command = `protected-vod secret print --role ${role}`;
  if (path === undefined || path === '') {
    throw new StreamError('keys-file-refused', `${variable} is not set. It names a file made by: ${command}`);
  }
  const text = readPrivately(path, env, variable);
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // The cause would quote the file, which holds the credential.
    throw new StreamError('keys-file-refused', `${variable} does not hold ${role} keys. Write it with: ${command}`);
  }
}
