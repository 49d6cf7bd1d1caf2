import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sessionIdSchema } from '../../../../server/contracts';
import { deriveTagKey, hasValidTag } from '../../../../streamer/src/access/session-tag';
import { makeSessionId } from '../../../support/stand-in-plugin';

describe('S3 the tag of a session id', () => {
  const credential = randomBytes(32).toString('base64url');
  const key = deriveTagKey(credential);

  it('of the plugin is recognised', () => {
    const id = makeSessionId(credential);
    expect(sessionIdSchema.safeParse(id).success).toBe(true);
    expect(hasValidTag(key, id)).toBe(true);
  });

  it('does not survive a change of any one character', () => {
    const id = makeSessionId(credential);
    for (let at = 3; at < id.length; at += 1) {
      const other = id[at] === 'A' ? 'B' : 'A';
      expect(hasValidTag(key, id.slice(0, at) + other + id.slice(at + 1))).toBe(false);
    }
  });

  it('of another credential is not recognised', () => {
    expect(hasValidTag(key, makeSessionId(randomBytes(32).toString('base64url')))).toBe(false);
  });
});
