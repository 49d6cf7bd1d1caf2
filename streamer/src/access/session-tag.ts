import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const PREFIX_LENGTH = 'ps_'.length;
const RANDOM_BYTES = 18;
const TAG_BYTES = 12;

/**
 * The key of the session id tags, derived from the streamer's credential (base64url). It proves that the plugin made
 * an id; it cannot mint a right, because the plugin still has to know the session.
 */
export function deriveTagKey(credential: string): Buffer {
  const material = Buffer.from(credential, 'base64url');
  return Buffer.from(hkdfSync('sha256', material, Buffer.alloc(0), 'protected-vod/session-tag', 32));
}

/**
 * Whether a well-formed session id (`sessionIdSchema`) carries the plugin's tag. Constant time. True does not say that
 * the session exists, lives, or belongs to the caller.
 */
export function hasValidTag(tagKey: Buffer, sessionId: string): boolean {
  const bytes = Buffer.from(sessionId.slice(PREFIX_LENGTH), 'base64url');
  if (bytes.length !== RANDOM_BYTES + TAG_BYTES) return false;
  const mac = createHmac('sha256', tagKey).update(bytes.subarray(0, RANDOM_BYTES)).digest();
  return timingSafeEqual(bytes.subarray(RANDOM_BYTES), mac.subarray(0, TAG_BYTES));
}

/** Lower-case hex SHA-256 of a token or session id: the only form in which one is a key of a map or a name. */
export function hashCredential(credential: string): string {
  return createHash('sha256').update(credential).digest('hex');
}
