import { createHash, webcrypto } from 'node:crypto';

/** 128 bits of SHA-256: it stands in a file's name, which reverse proxies look up for each request, and in an ETag. */
const DIGEST_CHARS = 32;

/** 32 hex digits. */
export function contentDigest(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, DIGEST_CHARS);
}

/** Unlike `contentDigest` this does not keep the event loop. */
export async function hasContentDigest(bytes: Uint8Array, digest: string): Promise<boolean> {
  const whole = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
  return whole.slice(0, DIGEST_CHARS) === digest;
}
