import { hkdfSync } from 'node:crypto';
import type { StreamerKeys } from '../../contracts';
import type { Rotation } from './rotation';
import { type TokenKey, tokenKeyFrom } from './token-key';

/**
 * Everything that is derived from one secret. Nothing here is ever stored or logged.
 *
 * A rotation (`protected-vod secret rotate`) replaces the key that signs playback tokens, and only that: it is the one whose
 * holder could let people in. What must outlive a rotation stays as long as the secret does: ids and tags of running sessions,
 * the streamers' credential and so their keys files, tokens of uploads that run for hours, digests of subjects. Those change with the secret.
 */
export interface Keyring extends TokenKey {
  /** Bearer of the streamer at the internal endpoints, base64url. */
  readonly streamerCredential: string;
  /** Bearer of the ingest worker: another label, so that the one never opens the other's doors (S1). */
  readonly ingestCredential: string;
  /** Bearer of the CLI; a streamer that leaks its own cannot restart or end anything with it. */
  readonly operatorCredential: string;
  readonly sessionIdKey: Buffer;
  readonly sessionTagKey: Buffer;
  readonly uploadTokenKey: Buffer;
  readonly subjectDigestKey: Buffer;
  readonly segmentSecretKey: Buffer;
  /** The key that signs from a rotation on; null: before the first. */
  tokenKey(rotation: Pick<Rotation, 'number' | 'salt'> | null): TokenKey;
  /** What a streamer gets; it can verify and mint nothing (S3). It learns later keys from its syncs. */
  streamerKeys(): StreamerKeys;
}

function derive(material: string | Buffer, label: string, salt: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.from(hkdfSync('sha256', material, salt, `protected-vod/${label}`, 32));
}

/** Derives all keys (HKDF-SHA-256, RFC 5869) from material that `keyMaterial` has accepted. */
export function deriveKeyring(material: string): Keyring {
  const first = tokenKeyFrom(derive(material, 'token-signing'));
  const credential = derive(material, 'streamer-credential');
  const streamerCredential = credential.toString('base64url');
  return {
    ...first,
    streamerCredential,
    ingestCredential: derive(material, 'ingest-credential').toString('base64url'),
    operatorCredential: derive(material, 'operator-credential').toString('base64url'),
    sessionIdKey: derive(material, 'session-id'),
    // Derived from the credential, not from the secret, because the streamer must be able to derive it too.
    sessionTagKey: derive(credential, 'session-tag'),
    uploadTokenKey: derive(material, 'upload-token'),
    subjectDigestKey: derive(material, 'subject-digest'),
    segmentSecretKey: derive(material, 'segment-secret'),
    tokenKey(rotation) {
      if (rotation === null) return first;
      const salt = Buffer.from(rotation.salt, 'base64url');
      return tokenKeyFrom(derive(material, `token-signing/${rotation.number}`, salt));
    },
    streamerKeys: () => ({ credential: streamerCredential, publicKeys: { [first.kid]: first.publicKey } }),
  };
}
