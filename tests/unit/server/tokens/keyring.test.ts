import { describe, expect, it } from 'vitest';
import { streamerKeysSchema } from '../../../../server/contracts';
import { deriveKeyring } from '../../../../server/src/tokens/keyring';

const first = deriveKeyring('["material-one"]');
const second = deriveKeyring('["material-two"]');

describe('keyring', () => {
  it('the same material gives the same keys on every node', () => {
    expect(deriveKeyring('["material-one"]').streamerKeys()).toEqual(first.streamerKeys());
  });

  it('other material gives other keys throughout', () => {
    expect(second.streamerKeys().credential).not.toBe(first.streamerKeys().credential);
    expect(second.kid).not.toBe(first.kid);
  });

  it('a rotation gives a new token key, the same on every node, and leaves everything else', () => {
    const rotation = { number: 1, salt: Buffer.alloc(32, 7).toString('base64url') };
    const rotated = first.tokenKey(rotation);
    expect(rotated.kid).not.toBe(first.kid);
    expect(rotated.publicKey).not.toBe(first.publicKey);
    expect(deriveKeyring('["material-one"]').tokenKey(rotation).publicKey).toBe(rotated.publicKey);
    expect(first.tokenKey(null).kid).toBe(first.kid);
    expect(first.streamerKeys().publicKeys).toEqual({ [first.kid]: first.publicKey });
  });

  it('number and salt of a rotation make no key without the secret', () => {
    const rotation = { number: 1, salt: Buffer.alloc(32, 7).toString('base64url') };
    expect(second.tokenKey(rotation).publicKey).not.toBe(first.tokenKey(rotation).publicKey);
    const others = [
      { ...rotation, number: 2 },
      { ...rotation, salt: Buffer.alloc(32, 8).toString('base64url') },
    ];
    for (const other of others) expect(first.tokenKey(other).kid).not.toBe(first.tokenKey(rotation).kid);
  });

  it('S1 streamer, ingest worker and operator hold different credentials', () => {
    const { streamerCredential, ingestCredential, operatorCredential } = first;
    expect(new Set([streamerCredential, ingestCredential, operatorCredential]).size).toBe(3);
    expect(JSON.stringify(first.streamerKeys())).not.toContain(operatorCredential);
  });

  it('S3 what a streamer gets holds a public key and nothing that signs', () => {
    const keys = streamerKeysSchema.parse(first.streamerKeys());
    const published = first.verificationKey.export({ format: 'jwk' }).x;
    expect(Object.values(keys.publicKeys)).toEqual([published]);
    expect(JSON.stringify(keys)).not.toContain(String(first.signingKey.export({ format: 'jwk' }).d));
  });
});
