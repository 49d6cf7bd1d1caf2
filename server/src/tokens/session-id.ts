import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Keyring } from './keyring';

const PREFIX = 'ps_';
const CORE_BYTES = 18;
const TAG_BYTES = 12;

function tagOf(core: Buffer, key: Buffer): Buffer {
  return createHmac('sha256', key).update(core).digest().subarray(0, TAG_BYTES);
}

/** 128 random bits that a session row keeps, so that neither the database nor the keys alone name a session id. */
export function newSessionSalt(): string {
  return randomBytes(16).toString('base64url');
}

/**
 * The session id that belongs to a token id and a row's salt: 144 unpredictable bits and a tag that a streamer can
 * check (S3). Always the same for the same pair, so the id can be told again to the viewer who holds the token
 * although only its hash is stored.
 */
export function deriveSessionId(keyring: Keyring, tokenId: string, salt: string): string {
  const core = createHmac('sha256', keyring.sessionIdKey)
    .update(JSON.stringify([tokenId, salt]))
    .digest()
    .subarray(0, CORE_BYTES);
  return PREFIX + Buffer.concat([core, tagOf(core, keyring.sessionTagKey)]).toString('base64url');
}

/** Whether the tag is ours. Says nothing about whether the session exists. */
export function hasValidTag(keyring: Keyring, sessionId: string): boolean {
  const bytes = Buffer.from(sessionId.slice(PREFIX.length), 'base64url');
  if (!sessionId.startsWith(PREFIX) || bytes.byteLength !== CORE_BYTES + TAG_BYTES) return false;
  return timingSafeEqual(bytes.subarray(CORE_BYTES), tagOf(bytes.subarray(0, CORE_BYTES), keyring.sessionTagKey));
}

/** How a session is named in the database and between processes. */
export function hashSessionId(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('hex');
}

/** Null: the session began under a secret that is accepted no more, and its id is good no more. */
export function sessionIdOf(
  keyrings: readonly Keyring[],
  session: { tokenId: string; salt: string; hash: string },
): string | null {
  const ids = keyrings.map((keyring) => deriveSessionId(keyring, session.tokenId, session.salt));
  return ids.find((id) => hashSessionId(id) === session.hash) ?? null;
}
