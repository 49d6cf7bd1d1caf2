import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PROTOCOLS, type RolePolicy } from '../../server/contracts';
import { hashOf, LAPTOP, PHONE, redeem, streamerSide } from '../support/internal';
import { askForToken, mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { setPolicies } from '../support/policies';
import { describeTwoNodes } from '../support/second-node';
import { createAdminWith, createSiteUser } from '../support/strapi-accounts';

const READ = 'plugin::protected-vod.policies.read';
const UPDATE = 'plugin::protected-vod.policies.update';
const ROUTE = '/protected-vod/policies';

let site: PublishedSite;

beforeAll(async () => {
  site = await startPublishedSite();
});
afterAll(() => site.app.stop());
beforeEach(() => setPolicies(site.app, site.editor, { roles: {} }));

async function ask(method: 'GET' | 'PUT', token: string | null, body?: unknown, ifMatch?: string) {
  const response = await fetch(site.app.url + ROUTE, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = JSON.parse(text) as { data?: unknown; error?: { message: string; details?: object } };
  return { status: response.status, tag: response.headers.get('etag') ?? '', body: answer };
}

const tokenOf = async () => (await mint(site.app, site.video, site.viewer.jwt)).token;

describe('the policies of a site', () => {
  it('GET policies answers what PUT policies took, and what holds without', async () => {
    const policies = { roles: { subscriber: { protocols: ['hls'] } }, apiTokens: { download: false } };
    expect(await ask('PUT', site.editor.token, policies)).toMatchObject({ status: 200, body: { data: policies } });
    const { status, body } = await ask('GET', site.editor.token);
    expect(status).toBe(200);
    expect(body).toEqual({ data: policies, meta: { site: expect.objectContaining({ tokenLifetimeSeconds: 60 }) } });
  });

  it('PUT policies replaces them all', async () => {
    await setPolicies(site.app, site.editor, { roles: { subscriber: { download: false } } });
    await setPolicies(site.app, site.editor, { roles: { authenticated: { download: false } } });
    expect((await ask('GET', site.editor.token)).body.data).toEqual({ roles: { authenticated: { download: false } } });
  });

  describe('that two administrators change at a time', () => {
    const HLS = { roles: { subscriber: { protocols: ['hls'], maxHeight: 720 } } };
    const DASH = { roles: { subscriber: { maxHeight: 1080, protocols: ['dash'] } } };
    const CHANGED = { status: 412, body: { data: null, error: { details: { code: 'policies-changed' } } } };
    const put = (body: unknown, ifMatch?: string) => ask('PUT', site.editor.token, body, ifMatch);
    const get = () => ask('GET', site.editor.token);

    it('GET policies and PUT policies answer with one ETag for the same policies', async () => {
      const { tag } = await get();
      expect(tag).toMatch(/^"[\w-]{22}"$/);
      const written = await put(HLS);
      expect(written.tag).not.toBe(tag);
      expect(await get()).toMatchObject({ tag: written.tag, body: { data: HLS } });
      expect((await put({ roles: {} })).tag).toBe(tag);
    });

    it('PUT policies with the ETag that was read replaces them', async () => {
      const { tag } = await put(HLS, (await get()).tag);
      expect((await put(DASH, `"another", ${tag}`)).status).toBe(200);
      expect((await put(HLS, '*')).status).toBe(200);
      expect((await get()).body.data).toEqual(HLS);
    });

    it.each(['of before', '', '""', 'x', 'W/'])(
      'PUT policies with another ETag (%s) is 412 and changes nothing',
      async (other) => {
        const before = (await get()).tag;
        const { tag } = await put(HLS);
        const wrong = { 'of before': before, 'W/': `W/${tag}` }[other] ?? other;
        expect(await put(DASH, wrong)).toMatchObject(CHANGED);
        expect(await get()).toMatchObject({ tag, body: { data: HLS } });
      },
    );

    it('of ten PUT policies at once with the same ETag, one is taken', async () => {
      const { tag } = await get();
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, at) => put({ roles: { subscriber: { maxHeight: at + 1 } } }, tag)),
      );
      const taken = answers.filter(({ status }) => status === 200);
      expect(taken).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 412)).toHaveLength(9);
      expect((await get()).body.data).toEqual(taken[0]?.body.data);
    });

    it('of ten PUT policies at once that are the first of the site, one is taken', { repeats: 9 }, async () => {
      await site.app.strapi.db.query('plugin::protected-vod.setting').deleteMany({ where: {} });
      const { tag } = await get();
      const answers = await Promise.all(Array.from({ length: 10 }, () => put(HLS, tag)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
    });
  });

  const WRONG: [string, unknown, string[]][] = [
    ['a role type that no role has', { roles: { subscribers: {}, nobody: {} } }, ['subscribers', 'nobody']],
    ['a key that is none', { roles: { subscriber: { protocol: ['hls'] } } }, ['"protocol"', 'roles.subscriber']],
    ['a protocol that is none', { roles: { subscriber: { protocols: ['ftp'] } } }, ['roles.subscriber.protocols[0]']],
    ['no protocol', { roles: { subscriber: { protocols: [] } } }, ['roles.subscriber.protocols']],
    ['a protocol twice', { roles: { subscriber: { protocols: ['hls', 'hls'] } } }, ['listed twice']],
    [
      'a token that lives for a day',
      { roles: { subscriber: { tokenLifetimeSeconds: 86400 } } },
      ['tokenLifetimeSeconds'],
    ],
    ['a limit on visitors', { roles: { public: { maxConcurrent: 1 } } }, ['roles.public.maxConcurrent']],
    ['views of visitors', { roles: { public: { views: null } } }, ['roles.public.views']],
    ['a limit on API tokens', { roles: {}, apiTokens: { maxConcurrent: 1 } }, ['"maxConcurrent"', 'apiTokens']],
    ['no roles', {}, ['roles']],
    ['no body', undefined, []],
  ];

  it.each(WRONG)('PUT policies with %s answers 400, names it, and changes nothing', async (_name, body, names) => {
    const { status, body: answer } = await ask('PUT', site.editor.token, body);
    expect(status).toBe(400);
    for (const name of names) expect(answer.error?.message).toContain(name);
    expect((await ask('GET', site.editor.token)).body.data).toEqual({ roles: {} });
  });

  it('each route needs a right of its own', async () => {
    const statuses = async (permissions: string[]) => {
      const admin = await createAdminWith(
        site.app,
        permissions.map((action) => ({ action })),
      );
      return [(await ask('GET', admin.token)).status, (await ask('PUT', admin.token, { roles: {} })).status];
    };
    expect(await statuses([])).toEqual([403, 403]);
    expect(await statuses([READ])).toEqual([200, 403]);
    expect(await statuses([UPDATE])).toEqual([403, 200]);
    expect([(await ask('GET', null)).status, (await ask('GET', site.viewer.jwt)).status]).toEqual([401, 401]);
  });

  it('are not in the content API', async () => {
    for (const path of ['settings', 'policies']) {
      const { status } = await fetch(`${site.app.url}/api/protected-vod/${path}`);
      expect(status, path).toBe(404);
    }
  });
});

describe('what a policy takes away', () => {
  it('POST playback-token lists only the protocols of the policy, and a download only with the right', async () => {
    expect((await mint(site.app, site.video, site.viewer.jwt)).urls).toHaveProperty('download');
    await setPolicies(site.app, site.editor, { roles: { subscriber: { protocols: ['dash'], download: false } } });
    expect(Object.keys((await mint(site.app, site.video, site.viewer.jwt)).urls)).toEqual(['dash']);
  });

  it('POST playback-token makes a token that lives as long as the policy says', async () => {
    await setPolicies(site.app, site.editor, { roles: { subscriber: { tokenLifetimeSeconds: 7 } } });
    const { token, expiresInSeconds } = await mint(site.app, site.video, site.viewer.jwt);
    const { iat, exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    expect([expiresInSeconds, exp - iat]).toEqual([7, expect.toSatisfy((seconds: number) => seconds <= 8)]);
  });

  it('S5 between mint and redemption is not in the grant', async () => {
    const token = await tokenOf();
    await setPolicies(site.app, site.editor, { roles: { subscriber: { protocols: ['mp4'], download: false } } });
    expect((await redeem(site.app, token)).grant).toMatchObject({ protocols: ['mp4'], download: false });
  });

  it('S6 while a film plays is not in the grant of its next sync, without waiting for the lease', async () => {
    const { sync, introspect } = streamerSide(site.app);
    const opened = await introspect(await tokenOf());
    if (!opened.active) throw new Error('the token was refused');
    expect(opened.grant).toMatchObject({ protocols: [...PROTOCOLS], download: true });
    const session = hashOf(opened.sessionId);
    await sync([{ session }]);
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'unchanged' }]);
    await setPolicies(site.app, site.editor, { roles: { subscriber: { protocols: ['hls'], download: false } } });
    expect((await sync([{ session }])).results).toMatchObject([
      { session, state: 'renewed', grant: { protocols: ['hls'], download: false } },
    ]);
  });

  it('is nothing of another role', async () => {
    await setPolicies(site.app, site.editor, { roles: { authenticated: { protocols: ['mp4'] } } });
    expect((await redeem(site.app, await tokenOf())).grant.protocols).toEqual([...PROTOCOLS]);
  });

  it('cannot be told where the policies cannot be read: nobody is let in', async () => {
    const where = { name: 'role-policies' };
    const settings = site.app.strapi.db.query('plugin::protected-vod.setting');
    await settings.update({ where, data: { value: { roles: 'none' } } });
    await expect(tokenOf()).rejects.toThrow('500');
  });
});

describe('the session that a policy shapes', () => {
  const set = (policy: RolePolicy) => setPolicies(site.app, site.editor, { roles: { subscriber: policy } });
  const SESSION = 'plugin::protected-vod.playback-session';
  const HOLDER = 'plugin::protected-vod.session-holder';
  const rowOf = (session: string) => site.app.strapi.db.query(SESSION).findOne({ where: { sessionHash: session } });

  async function open() {
    const { sync, introspect } = streamerSide(site.app);
    const opened = await introspect(await tokenOf());
    if (!opened.active) throw new Error('the token was refused');
    return { ...opened, session: hashOf(opened.sessionId), sync, introspect };
  }

  async function silence(session: string, seconds: number): Promise<void> {
    const then = String(Date.now() - seconds * 1000);
    const where = { sessionHash: session };
    await site.app.strapi.db.query(SESSION).update({ where, data: { lastSeenAt: then } });
    await site.app.strapi.db.query(HOLDER).updateMany({ where, data: { seenAt: then } });
  }

  it('S9 has the limit of the policy, and what one more does at it', async () => {
    await set({ maxConcurrent: 1 });
    const user = await createSiteUser(site.app, site.role);
    const first = hashOf((await redeem(site.app, (await mint(site.app, site.video, user.jwt)).token)).sessionId);
    expect(await askForToken(site.app, site.video, user.jwt)).toMatchObject({ status: 403, code: 'too-many-sessions' });
    await set({ maxConcurrent: 1, atLimit: 'end-oldest' });
    await redeem(site.app, (await mint(site.app, site.video, user.jwt)).token);
    expect(await rowOf(first)).toMatchObject({ state: 'ended', endReason: 'oldest-gave-way' });
    await set({ maxConcurrent: null });
    await redeem(site.app, (await mint(site.app, site.video, user.jwt)).token);
  });

  /** Three sessions of a new user, in the order in which they began. */
  async function openThree() {
    const user = await createSiteUser(site.app, site.role);
    const opened: string[] = [];
    for (let at = 0; at < 3; at += 1) {
      const { token } = await mint(site.app, site.video, user.jwt);
      opened.push(hashOf((await redeem(site.app, token)).sessionId));
    }
    const { sync } = streamerSide(site.app);
    const states = async () => (await sync(opened.map((session) => ({ session })))).results.map(({ state }) => state);
    return { user, states, opened };
  }

  it('S9 lowered while three play, a limit ends those who came last at their next sync, and no more', async () => {
    await set({ maxConcurrent: 3 });
    const { user, states, opened } = await openThree();
    expect(await states()).toEqual(['unchanged', 'unchanged', 'unchanged']);
    await set({ maxConcurrent: 2 });
    expect(await states()).toEqual(['renewed', 'renewed', 'ended']);
    expect(await rowOf(opened[2] ?? '')).toMatchObject({ endReason: 'concurrency-limit' });
    expect(await states()).toEqual(['unchanged', 'unchanged', 'ended']);
    expect(await askForToken(site.app, site.video, user.jwt)).toMatchObject({ code: 'too-many-sessions' });
  });

  it('S9 lowered where the newest wins, a limit ends those who came first', async () => {
    await set({ maxConcurrent: 3 });
    const { states } = await openThree();
    await set({ maxConcurrent: 1, atLimit: 'end-oldest' });
    expect(await states()).toEqual(['ended', 'ended', 'renewed']);
  });

  it('S9 set while three play without one, a limit leaves as many as it says', async () => {
    const { user, states } = await openThree();
    await set({ maxConcurrent: 2 });
    expect((await states()).filter((state) => state === 'renewed')).toHaveLength(2);
    expect(await askForToken(site.app, site.video, user.jwt)).toMatchObject({ code: 'too-many-sessions' });
  });

  it('is over after the silence of the policy, and the client that comes back is refused for good', async () => {
    const { session, sessionId, introspect } = await open();
    await set({ sessionLifetimeSeconds: 600 });
    await silence(session, 590);
    expect(await introspect(sessionId)).toMatchObject({ active: true });
    await silence(session, 601);
    expect(await introspect(sessionId)).toEqual({ active: false, final: true });
    expect(await rowOf(session)).toMatchObject({ state: 'ended', endReason: 'session-silent' });
  });

  it('is over after that silence for one who would take it over as well', async () => {
    const { session, sessionId, introspect } = await open();
    await set({ sessionLifetimeSeconds: 600 });
    await silence(session, 601);
    expect(await introspect(sessionId, { ...LAPTOP, agent: PHONE.agent })).toEqual({ active: false, final: true });
    expect(await rowOf(session)).toMatchObject({ state: 'ended', endReason: 'session-silent' });
  });

  it('slides: it is not over while a streamer sees its client, whatever its row says', async () => {
    const { session, sync } = await open();
    await silence(session, 601);
    await set({ sessionLifetimeSeconds: 600 });
    expect((await sync([{ session, idleMs: 0 }])).results).toMatchObject([{ state: 'renewed' }]);
  });

  it('without a policy is over after the film’s length and the pause allowance', async () => {
    const { session, sessionId, grant, introspect } = await open();
    const allowed = grant.asset.durationSeconds + 4 * 3600;
    await silence(session, allowed - 10);
    expect(await introspect(sessionId)).toMatchObject({ active: true });
    await silence(session, allowed + 10);
    expect(await introspect(sessionId)).toEqual({ active: false, final: true });
  });

  it('S13 ends at the absolute end of a policy that was lowered while it plays, at its next sync', async () => {
    const { session, sync } = await open();
    await sync([{ session }]);
    const data = { startedAt: String(Date.now() - 120_000) };
    await site.app.strapi.db.query(SESSION).update({ where: { sessionHash: session }, data });
    expect((await sync([{ session }])).results).toMatchObject([{ state: 'unchanged' }]);
    await set({ sessionMaxLifetimeSeconds: 60 });
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    expect(await rowOf(session)).toMatchObject({ endReason: 'session-lifetime-over' });
  });

  it('S12 bound to its address prefix is handed over to nobody, after any silence', async () => {
    await set({ clientBinding: 'address-prefix' });
    const { session, sessionId, introspect } = await open();
    await silence(session, 60);
    for (const comer of [LAPTOP, { ...LAPTOP, agent: PHONE.agent }]) {
      expect(await introspect(sessionId, comer)).toEqual({ active: false, final: false });
    }
    expect(await introspect(sessionId, { ...PHONE, agent: LAPTOP.agent })).toMatchObject({ active: true });
    expect(await rowOf(session)).toMatchObject({ generation: 0 });
  });

  it('S12 bound to nobody is granted to each client, and no take-over is counted', async () => {
    await set({ clientBinding: 'none' });
    const { session, sessionId, grant, introspect } = await open();
    expect(grant).toMatchObject({ anyClient: true, client: PHONE });
    expect(await introspect(sessionId, LAPTOP)).toMatchObject({ active: true, grant: { anyClient: true } });
    expect(await rowOf(session)).toMatchObject({ generation: 0 });
    await set({ clientBinding: 'hand-over' });
    expect(await introspect(sessionId, LAPTOP, 0)).toEqual({ active: false, final: false });
  });

  it('S14 grants no rendition above the quality ceiling; where none is left, nothing', async () => {
    const { session, sync, grant } = await open();
    const height = grant.asset.renditions[0]?.height ?? 0;
    expect(height).toBeGreaterThan(0);
    await set({ maxHeight: height });
    expect((await sync([{ session }])).results).toMatchObject([{ state: 'renewed' }]);
    await set({ maxHeight: height - 1 });
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    expect(await askForToken(site.app, site.video, site.viewer.jwt)).toMatchObject({
      status: 403,
      code: 'not-entitled',
    });
  });
});

describeTwoNodes('on two nodes', (node) => {
  it('a policy holds on each from the moment it was set', async () => {
    const token = await tokenOf();
    const { sync, introspect } = streamerSide({ ...site.app, url: node.url });
    const opened = await introspect(token);
    if (!opened.active) throw new Error('the token was refused');
    const session = hashOf(opened.sessionId);
    for (const protocol of ['hls', 'dash', 'mp4'] as const) {
      await setPolicies(site.app, site.editor, { roles: { subscriber: { protocols: [protocol] } } });
      const [result] = (await sync([{ session }])).results;
      expect(result).toMatchObject({ state: 'renewed', grant: { protocols: [protocol] } });
    }
  });
});
