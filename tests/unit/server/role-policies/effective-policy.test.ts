import { describe, expect, it } from 'vitest';
import { PROTOCOLS, type RolePolicies } from '../../../../server/contracts';
import { parseConfig } from '../../../../server/src/config';
import { effectivePolicy, sitePolicy } from '../../../../server/src/services/role-policies/effective-policy';
import { subjectOrigin } from '../../../../server/src/tokens/subject-origin';

const site = parseConfig({ session: { maxConcurrent: 5, maxLifetimeSeconds: 7200 }, token: { lifetimeSeconds: 120 } });
const user = { kind: 'user', id: '12' } as const;
const inTheNameOf = { ...user, apiToken: '3' };
const visitor = { kind: 'public' } as const;
const token = { kind: 'api-token', id: '3' } as const;

const POLICIES: RolePolicies = {
  roles: {
    subscriber: {
      tokenLifetimeSeconds: 300,
      maxConcurrent: null,
      protocols: ['hls', 'dash'],
      maxHeight: 1080,
      clientBinding: 'none',
      views: { limit: 3, windowSeconds: 3600 },
    },
    public: { protocols: ['hls'], download: false },
  },
  apiTokens: { tokenLifetimeSeconds: 60, protocols: ['hls', 'mp4'], maxHeight: 720, clientBinding: 'address-prefix' },
};

describe('the policy of a caller', () => {
  it('is the site’s where there is none', () => {
    expect(effectivePolicy(site, { roles: {} }, user, 'subscriber')).toEqual({
      tokenLifetimeSeconds: 120,
      sessionLifetimeSeconds: null,
      sessionMaxLifetimeSeconds: 7200,
      maxConcurrent: 5,
      atLimit: 'refuse',
      views: null,
      protocols: [...PROTOCOLS],
      maxHeight: null,
      download: true,
      clientBinding: 'hand-over',
    });
  });

  it('is that of the role in what it names, looser or stricter, and the site’s in the rest', () => {
    expect(effectivePolicy(site, POLICIES, user, 'subscriber')).toEqual({
      ...sitePolicy(site),
      ...POLICIES.roles.subscriber,
    });
  });

  it('takes nothing from the public role’s where the caller is signed in', () => {
    expect(effectivePolicy(site, POLICIES, user, 'authenticated')).toEqual(sitePolicy(site));
    expect(effectivePolicy(site, POLICIES, visitor, 'public')).toMatchObject({ protocols: ['hls'], download: false });
  });

  it('of an API token for itself is that of API tokens, and no role’s', () => {
    expect(effectivePolicy(site, POLICIES, token, null)).toEqual({ ...sitePolicy(site), ...POLICIES.apiTokens });
  });

  it('of an API token in the name of a user is the stricter of both in each key', () => {
    expect(effectivePolicy(site, POLICIES, inTheNameOf, 'subscriber')).toEqual({
      ...sitePolicy(site),
      ...POLICIES.roles.subscriber,
      tokenLifetimeSeconds: 60,
      protocols: ['hls'],
      maxHeight: 720,
      clientBinding: 'address-prefix',
    });
  });

  it('of an API token in the name of a user who lives elsewhere is the same', () => {
    const subject = subjectOrigin('3', { id: 'ann', role: 'subscriber', attributes: {} });
    const ofUser = effectivePolicy(site, POLICIES, inTheNameOf, 'subscriber');
    expect(effectivePolicy(site, POLICIES, subject, 'subscriber')).toEqual(ofUser);
  });

  it('of an API token in the name of a user is the user’s where API tokens have none', () => {
    const { roles } = POLICIES;
    const own = effectivePolicy(site, { roles }, user, 'subscriber');
    expect(effectivePolicy(site, { roles }, inTheNameOf, 'subscriber')).toEqual(own);
  });

  it('of an API token never loosens what holds for its user', () => {
    const loose = { tokenLifetimeSeconds: 600, download: true, maxHeight: null, clientBinding: 'none' } as const;
    const strict = {
      tokenLifetimeSeconds: 5,
      download: false,
      maxHeight: 480,
      clientBinding: 'address-prefix',
    } as const;
    const policies = { roles: { subscriber: strict }, apiTokens: loose };
    expect(effectivePolicy(site, policies, inTheNameOf, 'subscriber')).toMatchObject(strict);
  });

  it.each([
    [60, 60],
    [7201, 7200],
  ])('S13 a role’s absolute end of %i seconds is one of %i: the site’s stands above it', (asked, got) => {
    const roles = { subscriber: { sessionMaxLifetimeSeconds: asked } };
    expect(effectivePolicy(site, { roles }, user, 'subscriber').sessionMaxLifetimeSeconds).toBe(got);
  });

  it('is no object’s that only looks like a role type', () => {
    expect(effectivePolicy(site, { roles: {} }, user, 'constructor')).toEqual(sitePolicy(site));
  });
});
