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

/** What a session's row keeps of where its id came from. */
export interface SessionOrigin {
  tokenId: string;
  salt: string;
  hash: string;
}

interface IdentifiedSession {
  id: string;
  /** Under which it began. */
  keyring: Keyring;
}

function identify(keyrings: readonly Keyring[], { tokenId, salt, hash }: SessionOrigin): IdentifiedSession | null {
  for (const keyring of keyrings) {
    const id = deriveSessionId(keyring, tokenId, salt);
    if (hashSessionId(id) === hash) return { id, keyring };
  }
  return null;
}

/** Null: the session began under a secret that is accepted no more, and its id is good no more. */
export function sessionIdOf(keyrings: readonly Keyring[], session: SessionOrigin): string | null {
  return identify(keyrings, session)?.id ?? null;
}

/**
 * What the keys of a session's HLS segments are derived from: 256 bits, base64url. The same at every lease, on every node and
 * after a change of the secret that still accepts the session. Whoever has read the database cannot tell it, nor who knows the
 * session's id. Null: as of `sessionIdOf`.
 */
export function segmentSecretOf(keyrings: readonly Keyring[], session: SessionOrigin): string | null {
  const identified = identify(keyrings, session);
  if (identified === null) return null;
  return createHmac('sha256', identified.keyring.segmentSecretKey)
    .update(JSON.stringify([session.tokenId, session.salt]))
    .digest('base64url');
}
