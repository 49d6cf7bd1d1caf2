import { describe, expect, it } from 'vitest';
import {
  type ExternalSubject,
  externalSubjectSchema,
  PROTOCOLS,
  playbackTokenSchema,
} from '../../../../server/contracts';
import { deriveKeyring } from '../../../../server/src/tokens/keyring';
import { mintPlaybackToken, verifyPlaybackToken } from '../../../../server/src/tokens/playback-token';
import {
  apiTokenOfKey,
  shownSubject,
  subjectDigest,
  subjectIdOf,
  subjectKey,
  subjectOrigin,
} from '../../../../server/src/tokens/subject-origin';

const keyring = deriveKeyring('["material-one"]');

describe('the key of a subject', () => {
  it.each(['7:ann', '7:Ann', '7:auth0|A.b', '7:a:B', '123:_X+y@z=~-'])(
    '%s is stored without capitals, and told as it was',
    (shown) => {
      const key = subjectKey(shown);
      expect(key).toBe(key.toLowerCase());
      expect(shownSubject(key)).toBe(shown);
    },
  );

  it('is another one for another case, and for another API token', () => {
    const keys = ['7:ann', '7:Ann', '7:aNN', '8:ann'].map(subjectKey);
    expect(new Set(keys.map((key) => key.toLowerCase())).size).toBe(keys.length);
  });

  it('tells the API token in whose name it is', () => {
    expect(apiTokenOfKey(subjectKey('17:a:B'))).toBe('17');
  });

  it('has one digest on all nodes of a site, and another one under any other secret', () => {
    const digestUnder = (material: string, key: string) => subjectDigest(deriveKeyring(material).subjectDigestKey, key);
    const digest = digestUnder('["material-one"]', '7:ann');
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(digestUnder('["material-one"]', '7:ann')).toBe(digest);
    for (const [material, key] of [
      ['["material-two"]', '7:ann'],
      ['["material-one"]', '7:bob'],
    ] as const) {
      expect(digestUnder(material, key)).not.toBe(digest);
    }
  });

  it('tells the id by which the site knows its user', () => {
    expect(subjectIdOf(subjectOrigin('7', { id: 'a:B', role: 'x', attributes: {} }))).toBe('a:B');
  });
});

describe('a token for a subject', () => {
  const mint = ({ id, role, attributes }: ExternalSubject) =>
    mintPlaybackToken(
      keyring,
      {
        video: 'v'.repeat(64),
        locale: 'l'.repeat(32),
        origin: { ...subjectOrigin('9'.repeat(19), { id, role, attributes }), mark: 'f'.repeat(24) },
        round: 0,
        protocols: [...PROTOCOLS],
      },
      60,
    );

  it('carries all that was said, and back', async () => {
    const subject = {
      id: 'Ann',
      role: 'subscriber',
      attributes: { plan: 'gold', seats: 2, trial: false, until: null },
    };
    const { token } = await mint(externalSubjectSchema.parse(subject));
    const { claims } = await verifyPlaybackToken(() => keyring.verificationKey, token);
    expect(claims.origin).toMatchObject({ kind: 'subject', role: 'subscriber', attributes: subject.attributes });
  });

  it('is never longer than an address may be, with as much as may be said', async () => {
    const attributes = { text: 'é'.repeat((2048 - '{"text":""}'.length - 1) / 2) };
    const subject = externalSubjectSchema.parse({ id: 'X'.repeat(64), role: 'r'.repeat(64), attributes });
    const { token } = await mint(subject);
    expect(token.length).toBeGreaterThan(3500);
    expect(playbackTokenSchema.safeParse(token).success).toBe(true);
  });
});
