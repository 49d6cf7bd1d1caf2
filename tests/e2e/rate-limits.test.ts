import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditPageSchema } from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import { introspect, LAPTOP, PHONE } from '../support/internal';
import { mint } from '../support/minting';
import { PLAY, type PublishedSite, startPublishedSite } from '../support/playback-site';
import { type RawAnswer, rawRequest } from '../support/raw-request';
import { createSiteUser, findSiteRole, grantPermission } from '../support/strapi-accounts';

const MINTS = { perUser: 4, perApiToken: 6, perPrefix: 10 };
const REDEMPTIONS = { perUser: 3, perPrefix: 5 };
/** An address of the reverse proxy that the site trusts. */
const PROXY = '127.9.9.1';

let site: PublishedSite;

beforeAll(async () => {
  site = await startPublishedSite({ pluginConfig: { rateLimits: { mint: MINTS, redeem: REDEMPTIONS } } });
});

afterAll(() => site.app.stop());

interface Asking {
  jwt?: string | null;
  from?: string;
  forwardedFor?: string;
}

let networks = 0;
/** An address that no test asked from before. */
const newAddress = (): string => {
  networks += 1;
  return `127.1.${networks}.1`;
};
const newUser = (): Promise<{ jwt: string }> => createSiteUser(site.app, site.role);

const ask = ({ jwt = null, from = newAddress(), forwardedFor }: Asking): Promise<RawAnswer> =>
  rawRequest(`${site.app.url}/api/protected-vod/videos/${site.video}/playback-token`, {
    method: 'POST',
    from,
    headers: {
      ...(jwt !== null && { authorization: `Bearer ${jwt}` }),
      ...(forwardedFor !== undefined && { 'x-forwarded-for': forwardedFor }),
    },
  });

async function statuses(count: number, asking: (at: number) => Asking): Promise<number[]> {
  const answers: number[] = [];
  for (let at = 0; at < count; at += 1) answers.push((await ask(asking(at))).status);
  return answers;
}

const granted = (answers: number[]): number => answers.filter((status) => status === 200).length;

/** The limit, and at most what came back while the test took its time; the last is refused. */
function expectLimited(answers: number[], limit: number): void {
  expect(new Set(answers)).toEqual(new Set([200, 429]));
  expect(granted(answers)).toBeGreaterThanOrEqual(limit);
  expect(granted(answers)).toBeLessThan(answers.length);
}

describe('POST playback-token too often', () => {
  it('answers a user 429 rate-limited with Retry-After, whatever network he asks from', async () => {
    const { jwt } = await newUser();
    expect(await statuses(MINTS.perUser, () => ({ jwt }))).toEqual(Array(MINTS.perUser).fill(200));
    const { status, headers, body } = await ask({ jwt });
    expect(status).toBe(429);
    const retryAfterSeconds = Number(headers['retry-after']);
    // Four a minute.
    expect(retryAfterSeconds).toBeGreaterThan(0);
    expect(retryAfterSeconds).toBeLessThanOrEqual(15);
    expect(headers['cache-control']).toBe('no-store');
    expect(JSON.parse(body.toString())).toEqual({
      data: null,
      error: {
        status: 429,
        name: 'PlaybackRefused',
        message: 'Too many requests. Try again shortly.',
        details: { code: 'rate-limited', retryAfterSeconds, reference: expect.any(String) },
      },
    });
  });

  it('leaves other users of the same network alone', async () => {
    const [greedy, modest, from] = [await newUser(), await newUser(), newAddress()];
    await statuses(20, () => ({ jwt: greedy.jwt, from }));
    expect(granted(await statuses(MINTS.perUser, () => ({ jwt: modest.jwt, from })))).toBe(MINTS.perUser);
  });

  it('answers a network of many users 429, and no other network', async () => {
    const users = await Promise.all(Array.from({ length: 12 }, newUser));
    const here = newAddress();
    const asking = (from: string) => (at: number) => ({ jwt: users[at]?.jwt ?? null, from });
    expectLimited(await statuses(12, asking(here)), MINTS.perPrefix);
    expect(granted(await statuses(1, asking(newAddress())))).toBe(1);
  });

  it('counts refusals too: 404 for a video that is not there turns into 429', async () => {
    const { jwt } = await newUser();
    const guess = () =>
      rawRequest(`${site.app.url}/api/protected-vod/videos/${'x'.repeat(24)}/playback-token`, {
        method: 'POST',
        headers: { authorization: `Bearer ${jwt}` },
        from: newAddress(),
      });
    const answers: number[] = [];
    for (let at = 0; at <= MINTS.perUser; at += 1) answers.push((await guess()).status);
    expect(answers).toEqual([...Array(MINTS.perUser).fill(404), 429]);
  });

  it('S16 a forged X-Forwarded-For neither frees nor harms anybody', async () => {
    const users = await Promise.all(Array.from({ length: 13 }, newUser));
    const [here, victim] = [newAddress(), '198.51.100.7'];
    const forged = (at: number) => ({
      jwt: users[at]?.jwt ?? null,
      from: here,
      forwardedFor: at % 2 ? `203.0.${at}.1` : victim,
    });
    expectLimited(await statuses(12, forged), MINTS.perPrefix);
    // The one who was named has all his requests left, where a proxy that is trusted brings him.
    expect((await ask({ jwt: users[12]?.jwt ?? null, from: newAddress() })).status).toBe(200);
  });
});

describe('POST playback-token too often, by visitors and API tokens', () => {
  it('visitors without an account share the limit of their network and shut no signed-in neighbour out', async () => {
    await grantPermission(site.app, await findSiteRole(site.app, 'public'), PLAY);
    const from = newAddress();
    expectLimited(await statuses(15, () => ({ from })), MINTS.perPrefix);
    const { jwt } = await newUser();
    expect((await ask({ jwt, from })).status).toBe(200);
  });

  it('an editor has the limit of one user for previews', async () => {
    const preview = () =>
      rawRequest(`${site.app.url}/protected-vod/videos/${site.video}/preview-token`, {
        method: 'POST',
        headers: { authorization: `Bearer ${site.editor.token}` },
        from: newAddress(),
      });
    const answers: number[] = [];
    for (let at = 0; at <= MINTS.perUser; at += 1) answers.push((await preview()).status);
    expect(answers).toEqual([...Array(MINTS.perUser).fill(200), 429]);
  });

  it('guests share the limit of the visitors of their network, whatever they show', async () => {
    const from = newAddress();
    const guess = () =>
      rawRequest(`${site.app.url}/api/protected-vod/guest-links/playback-token`, { method: 'POST', from });
    const answers: number[] = [];
    for (let at = 0; at < MINTS.perPrefix + 5; at += 1) answers.push((await guess()).status);
    expect(answers.slice(0, MINTS.perPrefix)).toEqual(Array(MINTS.perPrefix).fill(403));
    expect(answers).toContain(429);
    expect(await statuses(1, () => ({ from }))).toEqual([429]);
  });

  it('an API token has a limit of its own', async () => {
    const token = await site.app.strapi.service('admin::api-token').create({
      name: 'website',
      description: '',
      type: 'custom',
      lifespan: null,
      permissions: [PLAY],
    });
    expectLimited(await statuses(10, () => ({ jwt: token.accessKey })), MINTS.perApiToken);
  });
});

describe('redemption too often', () => {
  /** Each user redeems one token; from `client`'s network. */
  async function redeemAll(tokens: string[], client = PHONE) {
    const answers = [];
    for (const token of tokens) answers.push(await introspect(site.app, token, client));
    return answers;
  }
  const tokensOf = async (jwt: string, count: number): Promise<string[]> => {
    const tokens: string[] = [];
    for (let at = 0; at < count; at += 1) {
      const { body } = await ask({ jwt });
      tokens.push((JSON.parse(body.toString()) as { data: { token: string } }).data.token);
    }
    return tokens;
  };

  it('opens no session above the limit of the user, says when to come back, and keeps the token good', async () => {
    const { jwt } = await newUser();
    const tokens = await tokensOf(jwt, REDEMPTIONS.perUser + 1);
    const answers = await redeemAll(tokens);
    expect(answers.map(({ active }) => active)).toEqual([true, true, true, false]);
    expect(answers.at(-1)).toEqual({ active: false, final: false, retryAfterSeconds: expect.any(Number) });
    const rows = await site.app.strapi.db.query('plugin::protected-vod.playback-session').count();
    expect(rows).toBe(REDEMPTIONS.perUser);
  });

  it('a token that was redeemed before counts no more, however often it is shown', async () => {
    const { jwt } = await newUser();
    const [token = ''] = await tokensOf(jwt, 1);
    const answers = await redeemAll(Array(20).fill(token), LAPTOP);
    expect(answers.every(({ active }) => active)).toBe(true);
  });

  it('opens no session above the limit of the address prefix', async () => {
    const client = { ...PHONE, addressPrefix: '192.0.2.0/24' };
    const users = await Promise.all(Array.from({ length: 7 }, newUser));
    const tokens: string[] = [];
    for (const { jwt } of users) tokens.push(...(await tokensOf(jwt, 1)));
    const answers = await redeemAll(tokens, client);
    const redeemed = answers.filter(({ active }) => active).length;
    expect(redeemed).toBeGreaterThanOrEqual(REDEMPTIONS.perPrefix);
    expect(redeemed).toBeLessThan(users.length);
  });
});

describe('S26 the audit of limits', () => {
  const rowsOf = async (query: string) => {
    const { body } = await askAsAdmin(site.app, site.editor, `/audit?reason=rate-limited&limit=200&${query}`);
    return auditPageSchema.parse(body).data;
  };

  it('has one row a minute for a user who asks too often, whatever videos and networks, under the reference that he got', async () => {
    const user = await createSiteUser(site.app, site.role);
    const refusals = [];
    for (let at = 0; at < 30; at += 1) {
      const answer = await rawRequest(
        `${site.app.url}/api/protected-vod/videos/made${String(at).padStart(20, '0')}/playback-token`,
        { method: 'POST', from: newAddress(), headers: { authorization: `Bearer ${user.jwt}` } },
      );
      if (answer.status === 429) refusals.push(JSON.parse(answer.body.toString()).error.details.reference);
    }
    expect(refusals.length).toBeGreaterThan(20);
    const rows = await rowsOf(`user=${user.id}`);
    expect(rows).toMatchObject([{ kind: 'refusal', count: refusals.length, role: 'subscriber', video: null }]);
    expect(new Set(refusals)).toEqual(new Set([rows[0]?.reference]));
  });

  it('has one row a minute for a network whose viewers use tokens too often, and names none of them', async () => {
    const client = { ...PHONE, addressPrefix: '198.18.7.0/24' };
    const users = await Promise.all(Array.from({ length: 9 }, newUser));
    const tokens: string[] = [];
    for (const { jwt } of users) {
      const { body } = await ask({ jwt });
      tokens.push((JSON.parse(body.toString()) as { data: { token: string } }).data.token);
    }
    const answers = [];
    for (const token of tokens) answers.push(await introspect(site.app, token, client));
    const limited = answers.filter((answer) => !answer.active && answer.retryAfterSeconds !== undefined).length;
    expect(limited).toBeGreaterThan(0);
    const rows = (await rowsOf('')).filter(({ clientPrefix }) => clientPrefix === client.addressPrefix);
    expect(rows).toMatchObject([{ user: { kind: 'user', id: null }, count: limited, video: null, session: null }]);
  });
});

describe('behind a trusted proxy', () => {
  beforeAll(async () => {
    await site.app.stop();
    site = await startPublishedSite({
      pluginConfig: { rateLimits: { mint: MINTS, redeem: REDEMPTIONS }, streamer: { trustedProxies: [PROXY] } },
    });
  });

  it('S16 the network that counts is the one that the proxy names, not what a viewer wrote before it', async () => {
    const users = await Promise.all(Array.from({ length: 13 }, newUser));
    const asking = (at: number) => ({
      jwt: users[at]?.jwt ?? null,
      from: PROXY,
      forwardedFor: `10.${at}.0.1, 198.51.100.7`,
    });
    expectLimited(await statuses(12, asking), MINTS.perPrefix);
    const elsewhere = { jwt: users[12]?.jwt ?? null, from: PROXY, forwardedFor: '198.51.100.7, 203.0.113.9' };
    expect((await ask(elsewhere)).status).toBe(200);
    expect((await mint(site.app, site.video, site.viewer.jwt)).token).toBeTruthy();
  });
});
