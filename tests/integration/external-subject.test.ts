import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditEventSchema, auditPageSchema, playbackRefusalSchema, sessionPageSchema } from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import {
  type ApiToken,
  askForSubject,
  createApiToken,
  mintForSubject,
  type Subject,
  tellChange,
  VOUCH,
} from '../support/external-subjects';
import { publishVideo } from '../support/films';
import { hashOf, introspect, LAPTOP, redeem, syncingStreamer } from '../support/internal';
import { askForToken, type MintResponse } from '../support/minting';
import { PLAY, type PublishedSite, startPublishedSite } from '../support/playback-site';
import { setPolicies } from '../support/policies';
import { createSiteRole, createSiteUser, findSiteRole, grantPermission } from '../support/strapi-accounts';

const SESSION = 'plugin::protected-vod.playback-session';
const EVENTS = 'protected_vod_audit_events';
const COURSE = 'api::course.course';
const ORDER = 'api::order.order';
const REFUSED = { status: 403, code: 'not-entitled' };

/** Who has paid for a course may watch its videos. */
const RULE = {
  name: 'bought',
  videosOf: { uid: COURSE, filters: { videos: '$video' } },
  uid: ORDER,
  filters: { state: 'paid', user: '$user', course: { videos: '$video' } },
};

let site: PublishedSite;
/** Of two sites that know nothing of each other. */
let shop: ApiToken;
let school: ApiToken;

beforeAll(async () => {
  site = await startPublishedSite({
    pluginConfig: { rules: [RULE], rateLimits: { mint: { perApiToken: null }, redeem: { perPrefix: null } } },
  });
  [shop, school] = [await createApiToken(site.app), await createApiToken(site.app)];
  await grantPermission(site.app, await createSiteRole(site.app, 'vip'), PLAY);
});
afterAll(() => site.app.stop());

const newSubject = (more: Partial<Subject> = {}): Subject => ({ id: randomUUID(), role: 'subscriber', ...more });
const mint = async (subject: Subject, token = shop, video = site.video) =>
  (await mintForSubject(site.app, video, token, subject)).token;
const ask = (subject: unknown, token = shop, video = site.video) => askForSubject(site.app, video, token, subject);
const tell = (subject: Pick<Subject, 'id'>, change?: unknown, token = shop) =>
  tellChange(site.app, token, subject.id, change);
const entitlement = () => site.app.strapi.plugin('protected-vod').service('entitlement');
const rowOf = (session: string) => site.app.strapi.db.query(SESSION).findOne({ where: { sessionHash: session } });

async function watch(subject: Subject, token = shop, video = site.video): Promise<string> {
  return hashOf((await redeem(site.app, await mint(subject, token, video))).sessionId);
}

async function statesOf(...sessions: string[]): Promise<string[]> {
  const { results } = await syncingStreamer(site.app)(sessions.map((session) => ({ session })));
  return results.map(({ state }) => state);
}

const endedOf = async (...sessions: string[]): Promise<boolean[]> =>
  (await statesOf(...sessions)).map((state) => state === 'ended');

/** What an editor reads under the reference that the refused got. */
async function auditOf({ body }: MintResponse) {
  const { reference } = playbackRefusalSchema.parse(body).error.details;
  const found = await askAsAdmin(site.app, site.editor, `/audit/${reference}`);
  return auditEventSchema.parse((found.body as { data: unknown }).data);
}

describe('POST playback-token that names a subject', () => {
  it('is decided like a user of the role that is named', async () => {
    const kept = await publishVideo(site.app, site.editor, { source: site.source, allowedRoles: ['subscriber'] });
    expect(await ask(newSubject(), shop, kept)).toMatchObject({ status: 200 });
    const reasons: [string, string][] = [
      ['vip', 'role-not-allowed'],
      ['authenticated', 'permission-missing'],
    ];
    for (const [role, reason] of reasons) {
      const subject = newSubject({ role });
      const answer = await ask(subject, shop, kept);
      expect(answer).toMatchObject(REFUSED);
      const user = { kind: 'subject', id: `${shop.id}:${subject.id}` };
      expect(await auditOf(answer)).toMatchObject({ reason, role, user });
    }
  });

  it('with a role that there is not is told of the API token, whomever it names, in one row', async () => {
    const video = await publishVideo(site.app, site.editor, { source: site.source });
    const answers = [];
    for (const role of ['subscribers', 'Subscriber']) answers.push(await ask(newSubject({ role }), shop, video));
    for (const answer of answers) {
      expect(answer).toMatchObject(REFUSED);
      const user = { kind: 'api-token', id: String(shop.id) };
      expect(await auditOf(answer)).toMatchObject({
        reason: 'role-unknown',
        role: 'subscribers',
        count: 2,
        user,
        video,
      });
    }
  });

  const long = 'x'.repeat(65);
  const NO_SUBJECTS: [string, unknown][] = [
    ['no object', 'ann'],
    ['null', null],
    ['no id', { role: 'subscriber' }],
    ['no role', { id: 'ann' }],
    ...['', '.', '../x', 'a b', '!a', 'a/b', 'é', long, 7].map((id): [string, unknown] => [
      `the id ${JSON.stringify(id)}`,
      { id, role: 'subscriber' },
    ]),
    ...['', 'public', long, 1].map((role): [string, unknown] => [
      `the role ${JSON.stringify(role)}`,
      { id: 'ann', role },
    ]),
    ...[
      [],
      { plan: ['gold'] },
      { plan: { name: 'gold' } },
      { '': 1 },
      { 'a.b': 1 },
      { text: 'é'.repeat(1020) },
      Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`a${at}`, at])),
    ].map((attributes, at): [string, unknown] => [`attributes ${at}`, { ...newSubject(), attributes }]),
    ['something more', { ...newSubject(), apiToken: '1' }],
  ];

  it.each(NO_SUBJECTS)('and is malformed (%s) answers 400', async (_name, subject) => {
    expect((await ask(subject)).status).toBe(400);
  });

  it('and a user too answers 400', async () => {
    const body = { subject: newSubject(), user: site.viewer.id };
    expect((await askForToken(site.app, site.video, shop.accessKey, '', body)).status).toBe(400);
  });

  it('with an API token that lacks the permission answers 403, and the audit is about the token', async () => {
    const token = await createApiToken(site.app, [PLAY]);
    expect((await askForToken(site.app, site.video, token.accessKey)).status).toBe(200);
    const answer = await ask(newSubject(), token);
    expect(answer).toMatchObject(REFUSED);
    expect(await auditOf(answer)).toMatchObject({
      reason: 'subject-not-nameable',
      user: { kind: 'api-token', id: String(token.id) },
      role: null,
    });
  });

  it('asks for both permissions, or for full access', async () => {
    expect((await ask(newSubject(), await createApiToken(site.app, [VOUCH]))).status).toBe(403);
    expect((await ask(newSubject(), await createApiToken(site.app, 'read-only'))).status).toBe(403);
    expect((await ask(newSubject(), await createApiToken(site.app, 'full-access'))).status).toBe(200);
  });

  it('answers 403 to a user, and to a visitor who is nobody', async () => {
    await grantPermission(site.app, site.role, VOUCH);
    const body = { subject: newSubject() };
    expect(await askForToken(site.app, site.video, site.viewer.jwt, '', body)).toMatchObject(REFUSED);
    expect((await askForToken(site.app, site.video, null, '', body)).status).toBe(401);
    expect((await tell(newSubject(), {}, { id: 0, accessKey: site.viewer.jwt })).status).toBe(403);
  });

  it('opens a session that remembers the subject, the token and what was said', async () => {
    const attributes = { plan: 'gold', seats: 3, trial: false, until: null, name: 'Zoë 🎬' };
    const session = await watch(newSubject({ id: 'auth0|Ann.B', attributes }));
    const row = await rowOf(session);
    expect(row).toMatchObject({
      originKind: 'subject',
      originId: `${shop.id}:auth0|!ann.!b`,
      apiToken: String(shop.id),
      role: 'subscriber',
    });
    expect(JSON.parse(row.subjectAttributes)).toEqual(attributes);
  });

  it('with as much as may be said gets a token that can be used', async () => {
    const id = 'X'.repeat(64);
    const attributes = { text: 'x'.repeat(2048 - '{"text":""}'.length) };
    const { token } = await mintForSubject(site.app, site.video, shop, { id, role: 'subscriber', attributes });
    expect((await introspect(site.app, token)).active).toBe(true);
  });
});

describe('rules about a subject', () => {
  const asked: unknown[] = [];
  let onlyGold: string;

  beforeAll(async () => {
    onlyGold = await publishVideo(site.app, site.editor, { source: site.source });
    await entitlement().register({
      name: 'gold',
      decide: async ({ caller, role, video }: { caller: unknown; role: unknown; video: { documentId: string } }) => {
        if (video.documentId !== onlyGold) return { verdict: 'abstain' };
        asked.push({ caller, role });
        const { attributes = {} } = caller as { attributes?: { plan?: string } };
        return attributes.plan === 'gold' ? { verdict: 'allow' } : { verdict: 'deny', reason: 'no gold' };
      },
    });
  });
  afterAll(() => entitlement().unregister('gold'));

  it('in code hear who it is and what was said', async () => {
    const subject = newSubject({ id: 'Ann', attributes: { plan: 'gold' } });
    expect((await ask(subject, shop, onlyGold)).status).toBe(200);
    expect(asked.at(-1)).toEqual({
      caller: { kind: 'subject', id: 'Ann', apiToken: String(shop.id), attributes: { plan: 'gold' } },
      role: 'subscriber',
    });
    expect(await ask(newSubject({ attributes: { plan: 'tin' } }), shop, onlyGold)).toMatchObject(REFUSED);
    expect(await ask(newSubject(), shop, onlyGold)).toMatchObject(REFUSED);
  });

  it('in the configuration that name $user do not speak for a subject, whatever its id', async () => {
    const documents = (uid: string) => site.app.strapi.documents(uid as never);
    const video = await publishVideo(site.app, site.editor, { source: site.source });
    const data = { title: 'Course', videos: [video] };
    const { documentId: course } = await documents(COURSE).create({ data: data as never, status: 'published' });
    await documents(ORDER).create({ data: { state: 'paid', user: site.viewer.id, course } as never });
    expect((await askForToken(site.app, video, site.viewer.jwt)).status).toBe(200);
    const answer = await ask(newSubject({ id: String(site.viewer.id) }), shop, video);
    expect(answer).toMatchObject(REFUSED);
    expect(await auditOf(answer)).toMatchObject({ reason: 'rule-unmatched', rule: 'bought' });
  });

  it('are asked again with what is told: the session goes on, or ends', async () => {
    const subject = newSubject({ attributes: { plan: 'gold', seats: 1 } });
    const session = await watch(subject, shop, onlyGold);
    expect(await statesOf(session)).toEqual(['unchanged']);
    expect(await tell(subject, { attributes: { plan: 'gold', seats: 2 } })).toEqual({ status: 200, sessions: 1 });
    expect(await statesOf(session)).toEqual(['renewed']);
    expect(asked.at(-1)).toMatchObject({ caller: { attributes: { plan: 'gold', seats: 2 } }, role: 'subscriber' });
    expect(await tell(subject, { attributes: {} })).toEqual({ status: 200, sessions: 1 });
    expect(await statesOf(session)).toEqual(['ended']);
    expect(await rowOf(session)).toMatchObject({ endReason: 'rule-denied' });
  });

  it('can tell by themselves that their answer about a subject has changed', async () => {
    const [subject, other] = [newSubject({ id: 'Rule-1' }), newSubject({ id: 'rule-1' })];
    const sessions = [await watch(subject), await watch(other)];
    await statesOf(...sessions);
    await entitlement().changed({ subject: `${shop.id}:Rule-1` });
    expect(await statesOf(...sessions)).toEqual(['renewed', 'unchanged']);
  });
});

describe('POST subjects/:id/changed', () => {
  it('with another role: the sessions are judged by it at once, and no other’s', async () => {
    const [subject, neighbour] = [newSubject(), newSubject()];
    const sessions = [await watch(subject), await watch(subject), await watch(neighbour)];
    await statesOf(...sessions);
    expect(await tell(subject, { role: 'vip' })).toEqual({ status: 200, sessions: 2 });
    expect(await statesOf(...sessions)).toEqual(['renewed', 'renewed', 'unchanged']);
    expect(await rowOf(sessions[0] ?? '')).toMatchObject({ role: 'vip', originId: `${shop.id}:${subject.id}` });
    await tell(subject, { role: 'authenticated' });
    expect(await statesOf(...sessions)).toEqual(['ended', 'ended', 'unchanged']);
  });

  it('without a word: the leases are due, and all stays as it was said', async () => {
    const subject = newSubject({ attributes: { plan: 'gold' } });
    const session = await watch(subject);
    const unused = await mint(subject);
    await statesOf(session);
    expect(await tell(subject)).toEqual({ status: 200, sessions: 1 });
    expect(await tell(subject, {})).toEqual({ status: 200, sessions: 1 });
    expect(await statesOf(session)).toEqual(['renewed']);
    expect(JSON.parse((await rowOf(session)).subjectAttributes)).toEqual({ plan: 'gold' });
    expect((await introspect(site.app, unused)).active).toBe(true);
  });

  it('ended: everything of the subject ends, and a token that is asked for afterwards opens again', async () => {
    const [subject, neighbour] = [newSubject(), newSubject()];
    const sessions = [await watch(subject), await watch(neighbour)];
    await statesOf(...sessions);
    expect(await tell(subject, { ended: true })).toEqual({ status: 200, sessions: 1 });
    expect(await statesOf(...sessions)).toEqual(['ended', 'unchanged']);
    expect(await rowOf(sessions[0] ?? '')).toMatchObject({ state: 'ended', endReason: 'ended-by-site' });
    const again = await watch(subject);
    expect(await endedOf(again)).toEqual([false]);
    expect(await tell(subject, { ended: true })).toEqual({ status: 200, sessions: 1 });
  });

  it.each([{ role: 'authenticated' }, { attributes: {} }, { ended: true }])(
    'S5 mint, %j, redeem: refused and no row, whatever the token says',
    async (change) => {
      const subject = newSubject({ attributes: { plan: 'gold' } });
      const token = await mint(subject);
      await tell(subject, change);
      expect(await introspect(site.app, token)).toEqual({ active: false, final: false });
      const where = { originId: `${shop.id}:${subject.id}` };
      expect(await site.app.strapi.db.query(SESSION).count({ where })).toBe(0);
      expect((await introspect(site.app, await mint(subject))).active).toBe(true);
    },
  );

  it('S6 what is told while a redemption is decided is not lost', async () => {
    const subject = newSubject({ attributes: { plan: 'gold' } });
    const token = await mint(subject);
    let proceed = () => {};
    const decided = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    let asked = 0;
    await entitlement().register({
      name: 'slow',
      timeoutMs: 2000,
      decide: async ({ caller }: { caller: { id?: string } }) => {
        if (caller.id === subject.id) {
          asked += 1;
          await decided;
        }
        return { verdict: 'abstain' };
      },
    });
    const answer = introspect(site.app, token);
    await expect.poll(() => asked).toBe(1);
    await tell(subject, { role: 'authenticated' });
    proceed();
    expect((await answer).active).toBe(false);
    await entitlement().unregister('slow');
    const where = { originId: `${shop.id}:${subject.id}`, state: 'active' };
    expect(await site.app.strapi.db.query(SESSION).count({ where })).toBe(0);
  });

  it('told many times at once, ends with one of them, and the session goes on', async () => {
    const subject = newSubject();
    const session = await watch(subject);
    const seats = Array.from({ length: 8 }, (_, at) => at);
    const told = await Promise.all(seats.map((count) => tell(subject, { attributes: { count } })));
    expect(told).toEqual(seats.map(() => ({ status: 200, sessions: 1 })));
    expect(await statesOf(session)).toEqual(['renewed']);
    expect(seats).toContain(JSON.parse((await rowOf(session)).subjectAttributes).count);
  });

  it.each([
    { ended: false },
    { ended: true, role: 'vip' },
    { role: 'public' },
    { role: '' },
    { attributes: [] },
    { more: 1 },
    [[]],
  ])('with %j answers 400 and changes nothing', async (change) => {
    const subject = newSubject();
    const session = await watch(subject);
    await statesOf(session);
    expect((await tell(subject, change)).status).toBe(400);
    expect(await statesOf(session)).toEqual(['unchanged']);
  });

  it.each(['%', '..', 'a b', 'a/b', '!a', 'x'.repeat(65)])('of %j answers no 200', async (id) => {
    expect([400, 404, 405]).toContain((await tell({ id })).status);
  });

  it('answers 403 to an API token without the permission, and 401 to nobody', async () => {
    expect((await tell(newSubject(), {}, await createApiToken(site.app, [PLAY]))).status).toBe(403);
    expect((await tell(newSubject(), {}, { id: 0, accessKey: 'x'.repeat(40) })).status).toBe(401);
  });
});

describe('subjects of two API tokens', () => {
  it('are two people, also where their ids are equal', async () => {
    const subject = newSubject({ id: 'customer-1' });
    const sessions = [await watch(subject, shop), await watch(subject, school)];
    await statesOf(...sessions);
    expect(await tell(subject, { ended: true }, school)).toEqual({ status: 200, sessions: 1 });
    expect(await statesOf(...sessions)).toEqual(['unchanged', 'ended']);
    const unused = await mint(subject, shop);
    await tell(subject, { role: 'authenticated' }, school);
    expect((await introspect(site.app, unused)).active).toBe(true);
  });

  it('are counted apart, and so are two whose ids differ by case alone', async () => {
    await setPolicies(site.app, site.editor, {
      roles: { subscriber: { maxConcurrent: 1, views: { limit: 1, windowSeconds: 3600 } } },
    });
    const [ann, small] = [newSubject({ id: 'Counted' }), newSubject({ id: 'counted' })];
    const sessions = [await watch(ann, shop), await watch(ann, school), await watch(small, shop)];
    expect(await endedOf(...sessions)).toEqual([false, false, false]);
    for (const [subject, token] of [
      [ann, shop],
      [ann, school],
      [small, shop],
    ] as const) {
      expect(await ask(subject, token)).toMatchObject({ status: 403, code: 'too-many-sessions' });
    }
    expect(await tell(small, { ended: true })).toEqual({ status: 200, sessions: 1 });
    expect(await endedOf(...sessions)).toEqual([false, false, true]);
    expect(await ask(small)).toMatchObject({ status: 403, code: 'too-many-views' });
    await setPolicies(site.app, site.editor, { roles: {} });
  });
});

describe('policies of a subject', () => {
  afterAll(() => setPolicies(site.app, site.editor, { roles: {} }));

  it('are those of the role, and of each key the stricter of that and of API tokens', async () => {
    await setPolicies(site.app, site.editor, {
      roles: { subscriber: { protocols: ['hls', 'dash'], tokenLifetimeSeconds: 90 } },
      apiTokens: { protocols: ['dash', 'mp4'], tokenLifetimeSeconds: 30, download: false },
    });
    const minted = await mintForSubject(site.app, site.video, shop, newSubject());
    expect(minted.expiresInSeconds).toBe(30);
    expect(Object.keys(minted.urls)).toEqual(['dash']);
    expect((await redeem(site.app, minted.token)).grant.protocols).toEqual(['dash']);
  });

  it('S9 concurrent sessions: of eight at once two play', async () => {
    await setPolicies(site.app, site.editor, { roles: { subscriber: { maxConcurrent: 2 } } });
    const subject = newSubject();
    const tokens = await Promise.all(Array.from({ length: 8 }, () => mint(subject)));
    const answers = await Promise.all(tokens.map((token) => introspect(site.app, token)));
    expect(answers.filter(({ active }) => active)).toHaveLength(2);
    await tell(subject, { ended: true });
    expect((await introspect(site.app, await mint(subject))).active).toBe(true);
  });

  it('a role that is told counts with its own limits from then on', async () => {
    await setPolicies(site.app, site.editor, { roles: { vip: { maxConcurrent: 1 } } });
    const subject = newSubject();
    const sessions = [await watch(subject), await watch(subject)];
    await statesOf(...sessions);
    await tell(subject, { role: 'vip' });
    expect((await statesOf(...sessions)).toSorted()).toEqual(['ended', 'renewed']);
  });
});

describe('S8 the API token behind a subject', () => {
  const tokens = () => site.app.strapi.service('admin::api-token');
  const rows = () => site.app.strapi.db.query('admin::api-token');
  const untick = (token: ApiToken, action: string) =>
    site.app.strapi.db.query('admin::api-token-permission').delete({ where: { action, token: { id: token.id } } });

  const ENDINGS: [string, (token: ApiToken) => Promise<unknown>, string][] = [
    ['is deleted', (token) => tokens().revoke(token.id), 'api-token-gone'],
    [
      'has expired',
      ({ id }) => rows().update({ where: { id }, data: { expiresAt: new Date(Date.now() - 1000).toISOString() } }),
      'api-token-gone',
    ],
    ['may vouch no more', (token) => untick(token, VOUCH), 'subject-not-nameable'],
    ['may play no more', (token) => untick(token, PLAY), 'subject-not-nameable'],
    ['is read-only', ({ id }) => rows().update({ where: { id }, data: { type: 'read-only' } }), 'subject-not-nameable'],
  ];

  it.each(ENDINGS)('%s: the sessions end, tokens open none, and another one’s go on', async (_name, change, reason) => {
    const token = await createApiToken(site.app);
    const subject = newSubject();
    const sessions = [await watch(subject, token), await watch(subject, shop)];
    const unused = await mint(subject, token);
    await statesOf(...sessions);
    await change(token);
    expect(await endedOf(...sessions)).toEqual([true, false]);
    expect(await rowOf(sessions[0] ?? '')).toMatchObject({ endReason: reason });
    expect(await introspect(site.app, unused)).toEqual({ active: false, final: false });
  });

  it('and the role: who loses the permission to play loses the sessions', async () => {
    const role = await createSiteRole(site.app, 'pupil');
    const permission = await grantPermission(site.app, role, PLAY);
    const session = await watch(newSubject({ role: 'pupil' }));
    await statesOf(session);
    await site.app.strapi.db.query('plugin::users-permissions.permission').delete({ where: { id: permission } });
    expect(await statesOf(session)).toEqual(['ended']);
  });
});

describe('a subject in sessions and audit', () => {
  const get = (route: string) => askAsAdmin(site.app, site.editor, route);
  const post = (route: string, body: unknown) => askAsAdmin(site.app, site.editor, route, { method: 'POST', body });
  const named = (subject: Subject, token = shop) => encodeURIComponent(`${token.id}:${subject.id}`);
  const listed = async (query: string) =>
    sessionPageSchema.parse((await get(`/sessions?limit=200&${query}`)).body).data;
  const audited = async (query: string) => auditPageSchema.parse((await get(`/audit?limit=200&${query}`)).body).data;

  it('is listed and filtered by API token and id, as its site writes it', async () => {
    const subject = newSubject({ id: 'auth0|Listed' });
    await watch(subject);
    await watch(newSubject({ id: 'auth0|listed' }));
    await watch(subject, school);
    const user = { kind: 'subject', id: `${shop.id}:auth0|Listed` };
    expect(await listed(`subject=${named(subject)}`)).toMatchObject([{ user: { ...user, name: null } }]);
    expect(await audited(`subject=${named(subject)}`)).toMatchObject([
      { kind: 'redemption', user, role: 'subscriber' },
    ]);
    expect((await get('/sessions?subject=ann')).status).toBe(400);
    expect((await get('/audit?subject=1:a%20b')).status).toBe(400);
  });

  it('can be ended by an editor, and nobody else with it', async () => {
    const subject = newSubject();
    const sessions = [await watch(subject), await watch(subject), await watch(subject, school)];
    const { body } = await post('/sessions/end', { subject: `${shop.id}:${subject.id}` });
    expect(body).toEqual({ data: { ended: 2 } });
    expect(await endedOf(...sessions)).toEqual([true, true, false]);
  });

  it('is named by `protected-vod sessions` as in the audit', async () => {
    const subject = newSubject({ id: 'Cli' });
    await watch(subject);
    const overview = await site.app.strapi.plugin('protected-vod').service('session-overview').active();
    expect(overview.map(({ viewer }: { viewer: string }) => viewer)).toContain(`subject ${shop.id}:Cli`);
  });

  /** Everything of the plugin's tables that could name somebody. */
  async function everything(): Promise<string> {
    await site.app.strapi.plugin('protected-vod').service('audit').flush();
    const tables = ['sessions', 'session_slots', 'views', 'audit_events', 'subject_changes'];
    const found = tables.map((name) => site.app.strapi.db.getConnection(`protected_vod_${name}`).select());
    return JSON.stringify(await Promise.all(found));
  }

  it('can be exported and erased; what is left names nobody, and no token from before opens anything', async () => {
    await setPolicies(site.app, site.editor, {
      roles: { subscriber: { maxConcurrent: 5, views: { limit: 5, windowSeconds: 3600 } } },
    });
    const subject = newSubject({ attributes: { mail: 'erased@example.test' } });
    const other = newSubject();
    const spent = await mint(subject);
    const { sessionId } = await redeem(site.app, spent);
    await introspect(site.app, spent, LAPTOP, 0);
    const unused = await mint(subject);
    await watch({ ...subject, attributes: {} }, school);
    await watch(other);
    const { status, text } = await get(`/subjects/external/${named(subject)}`);
    expect(status).toBe(200);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type, kind }) => kind ?? type)).toEqual(['session', 'redemption', 'refusal']);
    expect(lines[0].attributes).toEqual(subject.attributes);
    expect(new Set(lines.map(({ user }) => user.id))).toEqual(new Set([`${shop.id}:${subject.id}`]));

    const erase = { method: 'DELETE' };
    const erased = await askAsAdmin(site.app, site.editor, `/subjects/external/${named(subject)}`, erase);
    expect(erased.body).toEqual({ data: { sessions: 1, events: 3 } });
    for (const credential of [spent, sessionId, unused]) {
      expect(await introspect(site.app, credential)).toMatchObject({ active: false });
    }
    expect((await get(`/subjects/external/${named(subject)}`)).text).toBe('');
    const left = await everything();
    expect(left).not.toContain(`${shop.id}:${subject.id}`);
    expect(left).not.toContain('erased@example.test');
    // Nor can the mark that stays be compared with guesses.
    expect(left).not.toContain(createHash('sha256').update(`${shop.id}:${subject.id}`).digest('hex'));
    // Another site's of the same id, and another person.
    expect(left).toContain(`${school.id}:${subject.id}`);
    expect(left).toContain(`${shop.id}:${other.id}`);
    await setPolicies(site.app, site.editor, { roles: {} });
  });

  it('is erased by who may erase, and only where it is one', async () => {
    expect((await get('/subjects/external/ann')).status).toBe(400);
    const user = await createSiteUser(site.app, await findSiteRole(site.app, 'authenticated'));
    const answer = await fetch(`${site.app.url}/protected-vod/subjects/external/1:a`, {
      headers: { authorization: `Bearer ${user.jwt}` },
    });
    expect(answer.status).toBe(401);
  });
});

const store = () => site.app.strapi.plugin('protected-vod').service('playback-session').store;
const ENDS: [string, (subject: Subject, session: string) => Promise<unknown>][] = [
  ['by the website', (subject) => tell(subject, { ended: true })],
  ['by a decision', (subject) => tell(subject, { role: 'authenticated' })],
  ['by an editor', (_subject, session) => store().end(session, 'ended-by-editor')],
  [
    'by its lifetime',
    async (_subject, session) => {
      const where = { session_hash: session };
      await site.app.strapi.db.getConnection('protected_vod_sessions').where(where).update({ started_at: 1 });
      await store().endOverdue(1000);
    },
  ],
];

it.each(ENDS)('a session that ended %s keeps nothing of what was said of its subject', async (_name, end) => {
  const subject = newSubject({ attributes: { plan: 'gold' } });
  const sessions = [await watch(subject), await watch(newSubject({ attributes: { plan: 'tin' } }))];
  await statesOf(...sessions);
  await end(subject, sessions[0] ?? '');
  expect(await endedOf(...sessions)).toEqual([true, false]);
  const [ended, running] = await Promise.all(sessions.map(rowOf));
  expect(ended).toMatchObject({ state: 'ended', subjectAttributes: null });
  expect(JSON.parse(running.subjectAttributes)).toEqual({ plan: 'tin' });
});

describe('what was told of subjects', () => {
  it('is forgotten when nothing from before can be left', async () => {
    const subject = newSubject();
    await tell(newSubject(), { role: 'vip' });
    await tell(subject, { role: 'vip' });
    const session = await watch(subject);
    const changes = () => site.app.strapi.db.getConnection('protected_vod_subject_changes');
    const [{ id }] = await changes().select('id').orderBy('id', 'desc').limit(1);
    const before = Number((await changes().count('* as n'))[0]?.n);
    await changes()
      .where({ id })
      .update({ changed_at: Date.now() - (86_400 + 3_700) * 1000 });
    await site.app.strapi.plugin('protected-vod').service('external-subjects').sweep();
    expect(Number((await changes().count('* as n'))[0]?.n)).toBe(before - 1);
    // Who is watching goes on.
    await tell(subject);
    expect(await statesOf(session)).toEqual(['renewed']);
  });
});

it('no table and no column but the attributes’ own holds what was said of a subject', async () => {
  const attributes = { secret: 'only-for-rules' };
  const subject = newSubject({ attributes });
  await watch(subject);
  await ask({ ...subject, role: 'authenticated' });
  await site.app.strapi.plugin('protected-vod').service('audit').flush();
  expect(JSON.stringify(await site.app.strapi.db.getConnection(EVENTS).select())).not.toContain('only-for-rules');
});
