import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** A key pair that playback tokens are signed with. */
export interface TokenKey {
  /** Names the key in a token's header (RFC 7515 §4.1.4); made from the public key. */
  readonly kid: string;
  readonly signingKey: KeyObject;
  readonly verificationKey: KeyObject;
  /** Raw Ed25519 public key, base64url: what streamers get. */
  readonly publicKey: string;
}

// RFC 8410 §7: the fixed start of a PKCS #8 Ed25519 private key, before its 32-byte seed.
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** `seed`: 32 secret bytes; the same seed gives the same key. */
export function tokenKeyFrom(seed: Buffer): TokenKey {
  const signingKey = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
  const verificationKey = createPublicKey(signingKey);
  const publicKey = verificationKey.export({ format: 'jwk' }).x ?? '';
  const kid = createHash('sha256').update(publicKey).digest('base64url').slice(0, 11);
  return { kid, signingKey, verificationKey, publicKey };
}
