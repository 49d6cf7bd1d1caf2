import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** Some 80 ms and 32 MB for each guess (RFC 7914; OWASP names N = 2^15, r = 8 with more rounds for sign-ins). */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
const SCHEME = 'scrypt-15-8-1';

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The same letters are typed as other bytes on other systems.
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, COST, (error, hash) => (error ? reject(error) : resolve(hash)));
  });
}

/** Slow on purpose. The text carries its scheme, so that a later one can stand beside it. */
export async function hashGuestPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt);
  return [SCHEME, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** As slow. False too for a hash that this version does not know: nobody gets in. */
export async function isGuestPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, salt = '', hash = ''] = stored.split('$');
  const expected = Buffer.from(hash, 'base64url');
  if (scheme !== SCHEME || expected.length !== HASH_BYTES) return false;
  return timingSafeEqual(await derive(password, Buffer.from(salt, 'base64url')), expected);
}
