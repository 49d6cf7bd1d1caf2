import { describe, expect, it } from 'vitest';
import { sessionIdSchema } from '../../../../server/contracts';
import { deriveKeyring } from '../../../../server/src/tokens/keyring';
import { deriveSessionId, hasValidTag, newSessionSalt } from '../../../../server/src/tokens/session-id';

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
