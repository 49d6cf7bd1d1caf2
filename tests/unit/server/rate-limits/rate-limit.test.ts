import { describe, expect, it } from 'vitest';
import { type Attempt, judgeRate } from '../../../../server/src/services/rate-limits/rate-limit';
import { createTokenBuckets } from '../../../../server/src/services/rate-limits/token-bucket';
import { subjectOrigin } from '../../../../server/src/tokens/subject-origin';

const LIMITS = { perUser: 2, perApiToken: 3, perPrefix: 5 };
const SCHOOL = '203.0.113.0/24';

const byUser = (id: string, addressPrefix = SCHOOL): Attempt => ({
  action: 'mint',
  origin: { kind: 'user', id },
  apiToken: null,
  addressPrefix,
});
const byVisitor = (addressPrefix = SCHOOL): Attempt => ({
  action: 'mint',
  origin: { kind: 'public' },
  apiToken: null,
  addressPrefix,
});
const byApiToken = (addressPrefix = SCHOOL): Attempt => ({
  action: 'mint',
  origin: { kind: 'api-token', id: '7' },
  apiToken: '7',
  addressPrefix,
});

function site() {
  const buckets = createTokenBuckets(() => 0);
  return {
    try: (attempt: Attempt) => judgeRate(buckets, attempt, LIMITS),
    /** How many of `count` are granted. */
    grants: (count: number, attempt: Attempt) =>
      Array.from({ length: count }, () => judgeRate(buckets, attempt, LIMITS)).filter(({ limited }) => !limited).length,
  };
}

describe('rate limits', () => {
  it('a user has a limit, wherever he asks from', () => {
    const { grants } = site();
    expect(grants(5, byUser('1', '203.0.113.0/24'))).toBe(2);
    expect(grants(5, byUser('1', '198.51.100.0/24'))).toBe(0);
    expect(grants(5, byUser('2', '203.0.113.0/24'))).toBe(2);
  });

  it('the users of an address prefix have one together', () => {
    const { grants } = site();
    const users = ['1', '2', '3', '4'].map((id) => grants(2, byUser(id)));
    expect(users).toEqual([2, 2, 1, 0]);
    expect(grants(2, byUser('5', '198.51.100.0/24'))).toBe(2);
  });

  it('all prefixes of an IPv6 /48 have twice the limit of one', () => {
    const { grants, try: attempt } = site();
    const prefixes = Array.from({ length: 4 }, (_, at) => `2001:db8:1:${at + 1}00::/56`);
    for (const action of ['mint', 'redeem'] as const) {
      const grantsAt = (prefix: string) => grants(9, { ...byVisitor(prefix), action });
      expect(prefixes.map(grantsAt), action).toEqual([5, 5, 0, 0]);
      expect(grantsAt('2001:db8:2:100::/56')).toBe(5);
    }
    expect(attempt(byVisitor('2001:db8:1:900::/56'))).toMatchObject({ limited: true, network: '2001:db8:1::/48' });
    expect(attempt(byVisitor(prefixes[0]))).toMatchObject({ limited: true, network: prefixes[0] });
  });

  it('who is over his own limit takes nothing from his neighbours', () => {
    const { grants } = site();
    grants(1000, byUser('1'));
    expect([grants(2, byUser('2')), grants(2, byUser('3'))]).toEqual([2, 1]);
  });

  it('visitors without an account shut no signed-in neighbour out, nor the other way round', () => {
    const { grants } = site();
    expect(grants(1000, byVisitor())).toBe(5);
    expect(['1', '2', '3'].map((id) => grants(2, byUser(id)))).toEqual([2, 2, 1]);
  });

  it('an API token that names users takes nothing from what they ask for themselves', () => {
    const { grants } = site();
    const named: Attempt = { action: 'mint', origin: { kind: 'user', id: '1' }, apiToken: '7', addressPrefix: SCHOOL };
    expect(grants(10, named)).toBe(2);
    expect(grants(10, byUser('1'))).toBe(2);
  });

  it('an API token counts by itself where it mints: its viewers are elsewhere', () => {
    const { grants, try: attempt } = site();
    grants(1000, byVisitor());
    expect(grants(10, byApiToken())).toBe(3);
    expect(attempt(byApiToken('198.51.100.0/24'))).toMatchObject({ limited: true, by: 'perApiToken' });
  });

  it('a user for whom a site asks with its token has his own limit too, and shares none with the site’s network', () => {
    const { grants } = site();
    grants(1000, byVisitor());
    const onBehalf = (id: string): Attempt => ({ ...byUser(id), apiToken: '7' });
    expect(['1', '2', '3'].map((id) => grants(5, onBehalf(id)))).toEqual([2, 1, 0]);
    expect(grants(5, byUser('4'))).toBe(2);
  });

  it('of the subjects of an API token each has his own limit, and shares it with no other token’s of the same id', () => {
    const { grants } = site();
    const subject = (apiToken: string, id: string): Attempt => ({
      action: 'redeem',
      origin: subjectOrigin(apiToken, { id, role: 'subscriber', attributes: {} }),
      apiToken: null,
      addressPrefix: `10.0.${apiToken}.0/24`,
    });
    expect([subject('7', 'ann'), subject('7', 'bob'), subject('8', 'ann')].map((one) => grants(5, one))).toEqual([
      2, 2, 2,
    ]);
  });

  it('where its viewers redeem, they count by address prefix', () => {
    const { grants } = site();
    expect(grants(10, { ...byApiToken(), apiToken: null, action: 'redeem' })).toBe(5);
  });

  it('minting and redeeming are counted apart', () => {
    const { grants } = site();
    expect(grants(5, byUser('1'))).toBe(2);
    expect(grants(5, { ...byUser('1'), action: 'redeem' })).toBe(2);
  });
});
