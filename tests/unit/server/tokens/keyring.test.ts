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

  it('S1 streamer and ingest worker hold different credentials', () => {
    expect(first.ingestCredential).not.toBe(first.streamerCredential);
  });

  it('S3 what a streamer gets holds a public key and nothing that signs', () => {
    const keys = streamerKeysSchema.parse(first.streamerKeys());
    const published = first.verificationKey.export({ format: 'jwk' }).x;
    expect(Object.values(keys.publicKeys)).toEqual([published]);
    expect(JSON.stringify(keys)).not.toContain(String(first.signingKey.export({ format: 'jwk' }).d));
  });
});
