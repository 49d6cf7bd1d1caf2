import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { StreamerKeys } from '../../contracts';

/** Everything that is derived from the one secret. Nothing here is ever stored or logged. */
export interface Keyring {
  /** Names the signing key in a token's header (RFC 7515 §4.1.4). */
  readonly kid: string;
  readonly signingKey: KeyObject;
  readonly verificationKey: KeyObject;
  /** Bearer of the streamer at the internal endpoints, base64url. */
  readonly streamerCredential: string;
  /** Bearer of the ingest worker: another label, so that the one never opens the other's doors (S1). */
  readonly ingestCredential: string;
  /** Bearer of the CLI; a streamer that leaks its own cannot restart or end anything with it. */
  readonly operatorCredential: string;
  readonly sessionIdKey: Buffer;
  readonly sessionTagKey: Buffer;
  readonly uploadTokenKey: Buffer;
  /** What a streamer gets; it can verify and mint nothing (S3). */
  streamerKeys(): StreamerKeys;
}

// RFC 8410 §7: the fixed start of a PKCS #8 Ed25519 private key, before its 32-byte seed.
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

function derive(material: string | Buffer, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', material, Buffer.alloc(0), `protected-vod/${label}`, 32));
}

function signingKeyFrom(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
}

/** Derives all keys (HKDF-SHA-256, RFC 5869) from material that `keyMaterial` has accepted. */
export function deriveKeyring(material: string): Keyring {
  const signingKey = signingKeyFrom(derive(material, 'token-signing'));
  const verificationKey = createPublicKey(signingKey);
  const publicKey = verificationKey.export({ format: 'jwk' }).x ?? '';
  const kid = createHash('sha256').update(publicKey).digest('base64url').slice(0, 11);
  const credential = derive(material, 'streamer-credential');
  const streamerCredential = credential.toString('base64url');
  return {
    kid,
    signingKey,
    verificationKey,
    streamerCredential,
    ingestCredential: derive(material, 'ingest-credential').toString('base64url'),
    operatorCredential: derive(material, 'operator-credential').toString('base64url'),
    sessionIdKey: derive(material, 'session-id'),
    // Derived from the credential, not from the secret, because the streamer must be able to derive it too.
    sessionTagKey: derive(credential, 'session-tag'),
    uploadTokenKey: derive(material, 'upload-token'),
    streamerKeys: () => ({ credential: streamerCredential, publicKeys: { [kid]: publicKey } }),
  };
}
