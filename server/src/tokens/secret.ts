import { VodError } from '../errors';

const MIN_LENGTH = 16;
const MIN_DISTINCT_CHARACTERS = 8;
/** `abcdefg` and the like; among random secrets less than one in a million has such a run. */
const MAX_RUN = 6;

/** Values that templates, tutorials and habit leave behind; matched at the start, whatever the case. */
const KNOWN_WORDS =
  /^(to-?be-?modified|my[_-]?(app[_-]?)?key|my[_-]?secret|your[_-]|replace[_-]|insert[_-]|some[_-]?(random|secret)|change[_-]?me|change[_-]?this|secret|default|example|password|top[_-]?secret|test[_-]?key|strapi[_-])/i;

/** Longest run of neighbours (`abcd`, `4321`) or repetitions of one character. */
function longestRun(secret: string): number {
  const codes = [...secret].map((character) => character.charCodeAt(0));
  let [longest, run] = [1, 1];
  for (let at = 2; at < codes.length; at += 1) {
    const step = (codes[at] ?? 0) - (codes[at - 1] ?? 0);
    const same = step === (codes[at - 1] ?? 0) - (codes[at - 2] ?? 0) && Math.abs(step) <= 1;
    run = same ? run + 1 : 1;
    longest = Math.max(longest, run);
  }
  return longest;
}

/** `abcabcabc…`: twice the same half, or a shorter part again and again. */
function isRepetition(secret: string): boolean {
  return `${secret}${secret}`.indexOf(secret, 1) < secret.length;
}

/** What makes a secret one that can be guessed; null: nothing that can be seen. */
export function secretFlaw(secret: string): string | null {
  if (secret.trim() === '') return 'is empty';
  // Quotes and blanks come along where a line of `.env` is copied as it is.
  if (KNOWN_WORDS.test(secret.replace(/^[^a-z0-9]+/i, ''))) return 'is a template value';
  if (secret.length < MIN_LENGTH) return `has fewer than ${MIN_LENGTH} characters`;
  if (new Set(secret).size < MIN_DISTINCT_CHARACTERS) return 'repeats too few characters';
  if (longestRun(secret) >= MAX_RUN || isRepetition(secret)) return 'follows a pattern';
  return null;
}

export type SecretSource = 'PROTECTED_VOD_SECRET' | 'PROTECTED_VOD_PREVIOUS_SECRET' | 'app.keys';

const NEW_ONE = 'Set it to a random one, e.g. the output of `openssl rand -base64 32`, on every node, and restart.';
const REMEDIES: Record<SecretSource, string> = {
  PROTECTED_VOD_SECRET: NEW_ONE,
  'app.keys': NEW_ONE,
  PROTECTED_VOD_PREVIOUS_SECRET:
    'Remove that variable, on every node, and restart: what it would have kept alive ends.',
};

/** `APP_KEYS` as the templates of Strapi read it, with `env.array()`. */
export function parseAppKeys(text: string): string[] {
  const list = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  return list.split(',').map((part) => part.trim().replace(/^"+|"+$/g, ''));
}

/**
 * Turns what the site configured into key material, equal on all nodes that share it. Refuses before deriving
 * anything (S2). Throws `VodError` with code `secret-refused` and a message that says what to do.
 */
export function keyMaterial(source: SecretSource, secrets: readonly string[]): string {
  if (secrets.length === 0) {
    throw new VodError('secret-refused', 'Set APP_KEYS (server.app.keys) or PROTECTED_VOD_SECRET: there is no secret.');
  }
  for (const secret of secrets) {
    const found = secretFlaw(secret);
    if (found) {
      throw new VodError('secret-refused', `A value of ${source} ${found}. ${REMEDIES[source]}`);
    }
  }
  // An unambiguous serialisation: ["ab","c"] and ["a","bc"] must not give the same keys.
  return JSON.stringify(secrets);
}

/**
 * Key material of a secret that is accepted beside the one in use, as it stood in `PROTECTED_VOD_SECRET` or in `APP_KEYS`: a
 * list with commas may have been either. Refuses as `keyMaterial` does, because who guesses an accepted secret mints as
 * well as with the one in use (S2).
 */
export function previousMaterials(text: string): string[] {
  const source = 'PROTECTED_VOD_PREVIOUS_SECRET';
  const parts = parseAppKeys(text);
  const asKeys = keyMaterial(source, parts);
  // One value gives the same material whichever it was.
  return parts.length === 1 ? [asKeys] : [asKeys, keyMaterial(source, [text])];
}
