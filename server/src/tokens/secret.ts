import { VodError } from '../errors';

const MIN_LENGTH = 16;
const MIN_DISTINCT_CHARACTERS = 8;

/** Values that templates, tutorials and habit leave behind; matched at the start, whatever the case. */
const KNOWN_WORDS =
  /^(to-?be-?modified|my-?key|my-?secret|change-?me|change-?this|secret|default|example|password|top[_-]?secret|test-?key)/i;

function flaw(secret: string): string | null {
  if (secret.trim() === '') return 'is empty';
  if (KNOWN_WORDS.test(secret)) return 'is a template value';
  if (secret.length < MIN_LENGTH) return `has fewer than ${MIN_LENGTH} characters`;
  if (new Set(secret).size < MIN_DISTINCT_CHARACTERS) return 'repeats too few characters';
  return null;
}

/**
 * Turns what the site configured into key material, equal on all nodes that share it. Refuses before deriving
 * anything (S2). Throws `VodError` with code `secret-refused` and a message that says what to do.
 */
export function keyMaterial(source: 'PROTECTED_VOD_SECRET' | 'app.keys', secrets: readonly string[]): string {
  if (secrets.length === 0) {
    throw new VodError('secret-refused', 'Set APP_KEYS (server.app.keys) or PROTECTED_VOD_SECRET: there is no secret.');
  }
  for (const secret of secrets) {
    const found = flaw(secret);
    if (found) {
      throw new VodError(
        'secret-refused',
        `A value of ${source} ${found}. Set it to a random one, e.g. the output of \`openssl rand -base64 32\`, on every node, and restart.`,
      );
    }
  }
  // An unambiguous serialisation: ["ab","c"] and ["a","bc"] must not give the same keys.
  return JSON.stringify(secrets);
}
