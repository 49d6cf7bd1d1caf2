import { createHash, randomBytes } from 'node:crypto';

/** 192 random bits: nobody meets one by guessing. */
export function newGuestLinkSecret(): string {
  return `gl_${randomBytes(24).toString('base64url')}`;
}

/** What is kept of it. One fast round is enough: there is nothing to guess in a random secret. */
export function hashGuestLinkSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
