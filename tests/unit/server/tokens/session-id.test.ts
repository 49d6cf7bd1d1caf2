import { describe, expect, it } from 'vitest';
import { sessionIdSchema } from '../../../../server/contracts';
import { deriveKeyring } from '../../../../server/src/tokens/keyring';
import {
  deriveSessionId,
  hashSessionId,
  hasValidTag,
  newSessionSalt,
  segmentSecretOf,
} from '../../../../server/src/tokens/session-id';

const keyring = deriveKeyring('["material-one"]');

describe('S3 session ids', () => {
  it('have the shape of the contract and a tag that checks', () => {
    const id = deriveSessionId(keyring, 'token-id', newSessionSalt());
    expect(sessionIdSchema.parse(id)).toBe(id);
    expect(hasValidTag(keyring, id)).toBe(true);
  });

  it('come out the same for the same token id and salt, and otherwise differ', () => {
    const salt = newSessionSalt();
    expect(deriveSessionId(keyring, 'a', salt)).toBe(deriveSessionId(keyring, 'a', salt));
    expect(deriveSessionId(keyring, 'b', salt)).not.toBe(deriveSessionId(keyring, 'a', salt));
    expect(deriveSessionId(keyring, 'a', newSessionSalt())).not.toBe(deriveSessionId(keyring, 'a', salt));
  });

  it('do not check when any character was changed', () => {
    const id = deriveSessionId(keyring, 'token-id', newSessionSalt());
    for (let at = 3; at < id.length; at += 1) {
      const forged = id.slice(0, at) + (id[at] === 'A' ? 'B' : 'A') + id.slice(at + 1);
      expect(hasValidTag(keyring, forged)).toBe(false);
    }
  });

  it('do not check under the keys of another site', () => {
    const id = deriveSessionId(deriveKeyring('["material-two"]'), 'token-id', newSessionSalt());
    expect(hasValidTag(keyring, id)).toBe(false);
  });
});

describe('what a session’s segment keys are derived from', () => {
  const other = deriveKeyring('["material-two"]');
  const session = (tokenId = 'token-id', salt = newSessionSalt()) => ({
    tokenId,
    salt,
    hash: hashSessionId(deriveSessionId(keyring, tokenId, salt)),
  });

  it('is the same on every node, and after a change of the secret that still accepts the session', () => {
    const one = session();
    const secret = segmentSecretOf([keyring], one);
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(segmentSecretOf([deriveKeyring('["material-one"]')], one)).toBe(secret);
    expect(segmentSecretOf([other, keyring], one)).toBe(secret);
  });

  it('differs from session to session, and is none where the session’s secret is accepted no more', () => {
    const secrets = [session(), session(), session('other')].map((one) => segmentSecretOf([keyring], one));
    expect(new Set(secrets).size).toBe(3);
    expect(segmentSecretOf([other], session())).toBeNull();
  });
});
