import { createHash, timingSafeEqual } from 'node:crypto';

/** In constant time, whatever was shown. */
export function isSameSecret(shown: string, secret: string): boolean {
  // Digests have one length, so the comparison takes the same time whatever was sent.
  const [a, b] = [shown, secret].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
