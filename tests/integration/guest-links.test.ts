import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AuditEntry,
  auditPageSchema,
  type Client,
  guestLinkEntrySchema,
  guestLinkPageSchema,
  playbackTokenAnswerSchema,
  sessionPageSchema,
} from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import { deleteVideo, publishVideo, sendAsAdmin, unpublishVideo, type VideoFields } from '../support/films';
import { askWithLink, makeGuestLink, type WantedLink } from '../support/guest-links';
import { hashOf, introspect, LAPTOP, PHONE, redeem, type StreamerSide, streamerSide } from '../support/internal';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { setPolicies } from '../support/policies';
import { startSecondNode } from '../support/second-node';
import type { SiteProcess } from '../support/site-process';
import { createAdminWith } from '../support/strapi-accounts';
import { requestedServer } from '../support/test-database';

const LINK = 'plugin::protected-vod.guest-link';
const SESSION = 'plugin::protected-vod.playback-session';
const VIEW = 'plugin::protected-vod.view';
const DAY_MS = 86_400_000;
const PASSWORD = 'correct horse';
const LIMITS = { perLink: 6, perPrefix: 4 };
const NO_LIMITS = { perUser: null, perPrefix: null };
const REFUSED = { active: false, final: false };

let site: PublishedSite;
/** Null on SQLite. */
let second: SiteProcess | null = null;
/** Streamers that ask different Strapi processes, where there are two. */
let sides: [StreamerSide, StreamerSide];

beforeAll(async () => {
  const rateLimits = { mint: { ...NO_LIMITS, perApiToken: null }, redeem: NO_LIMITS, guestPassword: LIMITS };
  const streamer = { trustedProxies: ['127.0.0.1'] };
  site = await startPublishedSite({ pluginConfig: { rateLimits, streamer } });
  second = requestedServer() === null ? null : await startSecondNode();
  const url = second === null ? site.app.url : await second.listening();
  sides = [streamerSide(site.app), streamerSide({ ...site.app, url })];
});
afterAll(async () => {
  await second?.dispose();
  await site.app.stop();
});

let networks = 0;
/** An address of a network that no test came from before. */
const newAddress = (): string => {
  networks += 1;
  return `10.20.${networks}.1`;
};
const service = (name: string) => site.app.strapi.plugin('protected-vod').service(name);
const links = () => site.app.strapi.db.query(LINK);
const sessions = () => site.app.strapi.db.query(SESSION);
const publish = (fields: VideoFields = {}) => publishVideo(site.app, site.editor, { source: site.source, ...fields });
const make = (wanted: Partial<WantedLink> = {}) =>
  makeGuestLink(site.app, site.editor, { video: site.video, ...wanted });
const ask = (link: unknown, password?: unknown, forwardedFor = newAddress()) =>
  askWithLink(site.app, { link, ...(password !== undefined && { password }) }, { forwardedFor });
const asEditor = (route: string, method = 'GET', body?: unknown) =>
  askAsAdmin(site.app, site.editor, route, { method, body });

async function tokenFor(link: string, password?: string): Promise<string> {
  const { status, body } = await ask(link, password);
  expect(status, JSON.stringify(body)).toBe(200);
  return playbackTokenAnswerSchema.parse(body).data.token;
}

async function watch(link: string, client: Client = PHONE) {
  const { sessionId, grant } = await redeem(site.app, await tokenFor(link), client);
  return { sessionId, grant, session: hashOf(sessionId) };
}

async function entryOf(id: string) {
  const answer = await asEditor(`/guest-links/${id}`);
  return guestLinkEntrySchema.parse((answer.body as { data: unknown }).data);
}

async function auditOf(id: string): Promise<AuditEntry[]> {
  return auditPageSchema.parse((await asEditor(`/audit?guestLink=${id}&limit=200`)).body).data;
}

const age = (id: string, fields: Record<string, number>) =>
  links().update({
    where: { documentId: id },
    data: Object.fromEntries(Object.entries(fields).map(([name, at]) => [name, String(at)])),
  });

describe('POST guest-links', () => {
  it('S26 tells the secret once; neither it nor the password is kept', async () => {
    const { link, id } = await make({ password: PASSWORD, label: 'Press' });
    expect(link).toMatch(/^gl_[A-Za-z0-9_-]{32}$/);
    const kept = JSON.stringify(await links().findOne({ where: { documentId: id } }));
    const told = (await asEditor(`/guest-links/${id}`)).text + (await asEditor('/guest-links')).text;
    for (const text of [kept, told]) {
      expect(text).toContain('Press');
      for (const secret of [link, link.slice(3), PASSWORD]) expect(text).not.toContain(secret);
    }
    expect(told).not.toContain('scrypt');
  });

  it('answers with what was made: seven days, no limit of views, no password, no download', async () => {
    const { link: _link, ...entry } = await make();
    expect(entry).toMatchObject({
      label: null,
      video: { documentId: site.video, title: 'A film' },
      state: 'active',
      revokedAt: null,
      views: null,
      hasPassword: false,
      download: false,
      madeBy: { id: String(site.editor.id), name: 'Test strapi-super-admin' },
      revokedBy: null,
    });
    expect(Date.parse(entry.expiresAt) - Date.parse(entry.createdAt)).toBe(7 * DAY_MS);
  });

  it.each([
    [{}],
    [{ video: 'neverwasneverwasneverwas' }],
    [{ views: 0 }],
    [{ views: 1001 }],
    [{ views: 1.5 }],
    [{ password: 'short' }],
    [{ expiresAt: new Date(Date.now() - 1000).toISOString() }],
    [{ expiresAt: new Date(Date.now() + 400 * DAY_MS).toISOString() }],
    [{ expiresAt: 'tomorrow' }],
    [{ label: ' ' }],
    [{ download: 'yes' }],
    [{ role: 'subscriber' }],
  ])('with %j answers 400 and makes none', async (fields) => {
    const before = await links().count();
    const body = Object.keys(fields).length === 0 ? {} : { video: site.video, ...fields };
    expect((await asEditor('/guest-links', 'POST', body)).status).toBe(400);
    expect(await links().count()).toBe(before);
  });

  it('to see, to make and to revoke are different rights', async () => {
    const { id } = await make();
    const requests: [string, string, string, unknown?][] = [
      ['read', 'GET', '/guest-links'],
      ['read', 'GET', `/guest-links/${id}`],
      ['create', 'POST', '/guest-links', { video: site.video }],
      ['revoke', 'POST', `/guest-links/${id}/revoke`],
    ];
    for (const right of ['read', 'create', 'revoke']) {
      const admin = await createAdminWith(site.app, [{ action: `plugin::protected-vod.guest-links.${right}` }]);
      for (const [needed, method, route, body] of requests) {
        const { status } = await askAsAdmin(site.app, admin, route, { method, body });
        expect(status, `${right}: ${method} ${route}`).toBe(needed === right ? 200 : 403);
      }
    }
  });
});

describe('GET guest-links', () => {
  it('lists those of a video, the newest first, page by page', async () => {
    const video = await publish();
    const made = [await make({ video }), await make({ video }), await make({ video })].map(({ id }) => id);
    const first = guestLinkPageSchema.parse((await asEditor(`/guest-links?video=${video}&limit=2`)).body);
    const rest = guestLinkPageSchema.parse(
      (await asEditor(`/guest-links?video=${video}&limit=2&before=${first.meta.next}`)).body,
    );
    expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual(made.toReversed());
    expect(rest.meta.next).toBeNull();
  });

  it('answers 404 for one that never was', async () => {
    for (const id of ['neverwas', 'A-A', '%25']) {
      expect((await asEditor(`/guest-links/${id}`)).status).toBe(404);
      expect((await asEditor(`/guest-links/${id}/revoke`, 'POST')).status).toBe(404);
    }
  });
});

describe('POST guest-links/playback-token', () => {
  it('opens the one video of the link, without any account', async () => {
    const { link, id } = await make();
    const { grant, session } = await watch(link);
    expect(grant).toMatchObject({ video: site.video, download: false });
    expect(await sessions().findOne({ where: { sessionHash: session } })).toMatchObject({
      originKind: 'guest-link',
      originId: id,
      role: null,
    });
    const other = { origin: { kind: 'guest-link', id }, video: await publish(), locale: null };
    const decision = await service('entitlement').decide(other);
    expect(decision).toMatchObject({ allow: false, reason: 'guest-link-other-video' });
  });

  it('asks neither roles nor rules nor the policies of roles', async () => {
    const video = await publish({ allowedRoles: ['nobody'] });
    await service('entitlement').register({ name: 'closed', decide: async () => ({ verdict: 'deny', reason: 'x' }) });
    await setPolicies(site.app, site.editor, { roles: { public: { protocols: ['hls'], maxHeight: 1 } } });
    const { grant } = await watch((await make({ video })).link);
    expect(grant.protocols).toContain('rtmp');
    await setPolicies(site.app, site.editor, { roles: {} });
    await service('entitlement').unregister('closed');
  });

  it('opens nothing outside of the availability window, and nothing that is not published', async () => {
    const [early, late, gone] = [
      await publish({ availableFrom: new Date(Date.now() + DAY_MS).toISOString() }),
      await publish({ availableUntil: new Date(Date.now() - DAY_MS).toISOString() }),
      await publish(),
    ];
    await unpublishVideo(site.app, site.editor, gone);
    const codeFor = async (video: string) => (await ask((await make({ video })).link)).code;
    expect(await codeFor(early)).toBe('not-available-yet');
    expect(await codeFor(late)).toBe('not-entitled');
    expect(await codeFor(gone)).toBe('not-found');
  });

  it('gives downloads where both the link and the entry do', async () => {
    const locked = await publish({ downloadable: false });
    const grantOf = async (wanted: Partial<WantedLink>) => (await watch((await make(wanted)).link)).grant.download;
    expect(await grantOf({ download: true })).toBe(true);
    expect(await grantOf({ download: false })).toBe(false);
    expect(await grantOf({ download: true, video: locked })).toBe(false);
  });

  it('ends with all sessions of its link where an editor ends those, and the link opens others', async () => {
    const [{ link, id }, other] = [await make(), await make()];
    const [mine, again, theirs] = [await watch(link), await watch(link), await watch(other.link)];
    const unused = await tokenFor(link);
    const states = async () => {
      const reports = [mine, again, theirs].map(({ session }) => ({ session }));
      return (await sides[1].sync(reports)).results.map(({ state }) => state === 'ended');
    };
    expect(await states()).toEqual([false, false, false]);
    const { body } = await asEditor('/sessions/end', 'POST', { guestLink: id });
    expect(body).toEqual({ data: { ended: 2 } });
    expect(await states()).toEqual([true, true, false]);
    expect(await introspect(site.app, unused)).toMatchObject({ active: false });
    await watch(link);
    expect((await asEditor('/sessions/end', 'POST', { guestLink: 'A-A' })).status).toBe(400);
  });

  it('is handed over like any session', async () => {
    const { sessionId } = await watch((await make()).link);
    const moved = await introspect(site.app, sessionId, { ...LAPTOP, agent: PHONE.agent }, 0);
    expect(moved).toMatchObject({ active: true, grant: { generation: 1 } });
  });
});

describe('S26 a link that opens nothing', () => {
  const UNKNOWN = `gl_${'A'.repeat(32)}`;

  it('is answered like one that never was: revoked, expired, used up, wrong password, no link at all', async () => {
    const [revoked, expired, usedUp, locked] = [
      await make(),
      await make(),
      await make({ views: 1 }),
      await make({ password: PASSWORD }),
    ];
    await asEditor(`/guest-links/${revoked.id}/revoke`, 'POST');
    await age(expired.id, { expiresAt: Date.now() - 1 });
    await watch(usedUp.link);
    const answers = [
      await ask(UNKNOWN),
      await ask(UNKNOWN, 'a password'),
      await ask(revoked.link),
      await ask(expired.link),
      await ask(usedUp.link),
      await ask(locked.link, 'wrong horse'),
      await ask(`${locked.link}x`, PASSWORD),
      await ask(undefined),
      await ask({ $ne: '' }),
    ];
    const [first] = answers;
    expect(first).toMatchObject({ status: 403, code: 'link-refused' });
    for (const { status, body } of answers) expect([status, body]).toEqual([403, first?.body]);
  });

  it('is told in the audit with its reason, and one that never was by number only', async () => {
    const { link, id } = await make({ password: PASSWORD, views: 1 });
    await ask(link, 'wrong horse');
    await redeem(site.app, await tokenFor(link, PASSWORD));
    await ask(link, PASSWORD);
    await age(id, { expiresAt: Date.now() - 1 });
    await ask(link, PASSWORD);
    await asEditor(`/guest-links/${id}/revoke`, 'POST');
    await ask(link, PASSWORD);
    await ask(UNKNOWN);
    const told = (await auditOf(id)).map(({ kind, reason, user, video }) => [kind, reason, user, video]);
    const of = { kind: 'guest-link', id };
    expect(told.filter(([kind]) => kind !== 'end').toReversed()).toEqual([
      ['guest-link', 'made', of, site.video],
      ['refusal', 'guest-password-wrong', of, site.video],
      ['redemption', null, of, site.video],
      ['refusal', 'guest-link-used-up', of, site.video],
      ['refusal', 'guest-link-expired', of, site.video],
      ['guest-link', 'revoked', of, site.video],
      ['refusal', 'guest-link-revoked', of, site.video],
    ]);
    const all = (await asEditor('/audit?limit=200')).text;
    for (const secret of [link, UNKNOWN, PASSWORD, 'wrong horse']) expect(all).not.toContain(secret);
  });
});

describe('the audit of links', () => {
  const acts = async (id: string) => {
    const { body } = await asEditor(`/audit?kind=guest-link&guestLink=${id}`);
    return auditPageSchema.parse(body).data.toReversed();
  };

  it('tells who made, revoked and erased one, of which video, and what was made of it once; guests see none of it', async () => {
    const { id } = await make({ label: 'For Ada', password: PASSWORD });
    for (const node of [{}, second === null ? {} : { url: await second.listening() }, {}]) {
      const app = { ...site.app, ...node };
      expect((await askAsAdmin(app, site.editor, `/guest-links/${id}/revoke`, { method: 'POST' })).status).toBe(200);
    }
    await asEditor(`/subjects/guest-link/${id}`, 'DELETE');
    await asEditor(`/subjects/guest-link/${id}`, 'DELETE');
    const about = {
      kind: 'guest-link',
      user: { kind: 'guest-link', id },
      actor: { kind: 'admin', id: String(site.editor.id) },
      video: site.video,
      clientPrefix: null,
    };
    const rows = await acts(id);
    expect(rows).toMatchObject(['made', 'revoked', 'erased'].map((reason) => ({ ...about, reason })));
    const { text } = await asEditor(`/audit/export?kind=guest-link&guestLink=${id}`);
    const exported = text.trimEnd().split('\n');
    expect(exported.map((line) => JSON.parse(line))).toEqual(rows);
    expect(text).not.toContain('Ada');
    expect((await asEditor(`/subjects/guest-link/${id}`)).text).toBe('');
  });

  it('of two who revoke one at once tells the one who did', async () => {
    const { id } = await make();
    const other = second === null ? site.app : { ...site.app, url: await second.listening() };
    await Promise.all(
      [site.app, other, site.app, other].map((app) =>
        askAsAdmin(app, site.editor, `/guest-links/${id}/revoke`, { method: 'POST' }),
      ),
    );
    await expect.poll(async () => (await acts(id)).map(({ reason }) => reason)).toEqual(['made', 'revoked']);
  });

  it('names of an admin token the token and whose it is', async () => {
    const rights = ['create', 'revoke'].map((right) => `plugin::protected-vod.guest-links.${right}`);
    const adminPermissions = rights.map((action) => ({ action, subject: null, conditions: [], properties: {} }));
    const wanted = { name: 'newsletter', description: '', lifespan: null, adminPermissions };
    const token = (await sendAsAdmin(site.app, site.editor, '/admin/admin-tokens', wanted)) as {
      data: { id: number; accessKey: string };
    };
    const { id, accessKey } = token.data;
    const link = await makeGuestLink(site.app, { ...site.editor, token: accessKey }, { video: site.video });
    expect(link.madeBy).toMatchObject({ id: String(site.editor.id) });
    const actor = { kind: 'admin-token', id: String(id), owner: String(site.editor.id) };
    expect(await acts(link.id)).toMatchObject([{ reason: 'made', actor }]);
    const ofEditor = await asEditor(`/audit?kind=guest-link&guestLink=${link.id}&admin=${site.editor.id}`);
    expect(auditPageSchema.parse(ofEditor.body).data).toHaveLength(1);
  });
});

describe('S26 a password', () => {
  it('is asked for, and opens the link', async () => {
    const { link, hasPassword } = await make({ password: PASSWORD });
    expect(hasPassword).toBe(true);
    expect(await ask(link)).toMatchObject({ status: 403, code: 'password-required' });
    await tokenFor(link, PASSWORD);
  });

  it.each(['', 'x'.repeat(129), 12, null, { $ne: '' }, [PASSWORD]])('that is %j opens nothing', async (password) => {
    const { link } = await make({ password: PASSWORD });
    expect(await ask(link, password)).toMatchObject({ status: 403, code: 'link-refused' });
  });

  it('T11 that is wrong is tried so often from one network, then 429 with Retry-After, also where it is right', async () => {
    const [{ link }, other] = [await make({ password: PASSWORD }), await make({ password: PASSWORD })];
    const from = newAddress();
    for (let at = 0; at < LIMITS.perPrefix; at += 1) expect((await ask(link, 'wrong horse', from)).status).toBe(403);
    const neighbour = from.replace(/1$/, '2');
    for (const address of [from, neighbour]) {
      const limited = await ask(link, PASSWORD, address);
      expect(limited).toMatchObject({ status: 429, code: 'rate-limited' });
      const retryAfterSeconds = Number(limited.headers.get('retry-after'));
      expect(retryAfterSeconds).toBeGreaterThan(800);
      expect(retryAfterSeconds).toBeLessThanOrEqual(900);
    }
    expect([(await ask(link, PASSWORD)).status, (await ask(other.link, PASSWORD, from)).status]).toEqual([200, 200]);
  });

  it('T11 that is wrong is tried no more often from all networks of an IPv6 /48', async () => {
    const { link } = await make({ password: PASSWORD });
    const at = (network: number) => `2001:db8:7:${network.toString(16)}00::1`;
    for (let network = 1; network <= LIMITS.perPrefix; network += 1) {
      expect((await ask(link, 'wrong horse', at(network))).status).toBe(403);
    }
    expect((await ask(link, PASSWORD, at(9))).status).toBe(429);
    expect((await ask(link, PASSWORD, '2001:db8:8::1')).status).toBe(200);
  });

  it('T11 that is wrong from many networks keeps those out that tried one, and no other guest', async () => {
    const [{ link }, other] = [await make({ password: PASSWORD }), await make({ password: PASSWORD })];
    const networks = Array.from({ length: LIMITS.perLink }, newAddress);
    const [first] = networks;
    for (const from of networks) expect((await ask(link, 'wrong horse', from)).status).toBe(403);
    expect((await ask(link, PASSWORD, first)).status).toBe(429);
    expect((await ask(other.link, PASSWORD, first)).status).toBe(200);
    const guesser = newAddress();
    expect((await ask(link, 'wrong horse', guesser)).status).toBe(403);
    expect((await ask(link, PASSWORD, guesser)).status).toBe(429);
    expect((await ask(link, PASSWORD)).status).toBe(200);
  });

  it('T11 costs no attempt where it is right or where too many wait to be compared', async () => {
    const { link } = await make({ password: PASSWORD });
    const from = newAddress();
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(link, PASSWORD, from)));
    for (const { status } of answers) expect([200, 429]).toContain(status);
    for (let at = 0; at < LIMITS.perPrefix; at += 1) expect((await ask(link, 'wrong horse', from)).status).toBe(403);
    expect((await ask(link, PASSWORD, from)).status).toBe(429);
  });

  it('costs nothing to guess at a link that never was or is over', async () => {
    const { link, id } = await make({ password: PASSWORD });
    await asEditor(`/guest-links/${id}/revoke`, 'POST');
    const from = newAddress();
    for (let at = 0; at < 2 * LIMITS.perPrefix; at += 1) expect((await ask(link, 'guess', from)).status).toBe(403);
  });
});

describe('S26 the views of a link', () => {
  const clientAt = (at: number): Client => ({
    addressPrefix: `10.4.${at}.0/24`,
    agent: at.toString(16).padStart(16, '0'),
  });

  it('of 50 tokens redeemed at once on all nodes, as many open a session as there are views', async () => {
    const { link, id } = await make({ views: 3 });
    const tokens = await Promise.all(Array.from({ length: 50 }, () => tokenFor(link)));
    const answers = await Promise.all(tokens.map((token, at) => sides[at % 2 ? 1 : 0].introspect(token, clientAt(at))));
    expect(answers.filter(({ active }) => active)).toHaveLength(3);
    expect(answers.filter(({ active }) => !active)).toEqual(Array.from({ length: 47 }, () => REFUSED));
    expect(await sessions().count({ where: { originId: id } })).toBe(3);
    expect(await entryOf(id)).toMatchObject({ state: 'used-up', views: { limit: 3, left: 0 } });
  });

  it('one token is one view, however many show it; a token that nobody uses is none', async () => {
    const { link, id } = await make({ views: 5 });
    const token = await tokenFor(link);
    await tokenFor(link);
    await Promise.all(Array.from({ length: 20 }, (_, at) => sides[at % 2 ? 1 : 0].introspect(token)));
    expect(await entryOf(id)).toMatchObject({ state: 'active', views: { limit: 5, left: 4 } });
  });

  it('a session that began goes on when the last view is used up', async () => {
    const { link } = await make({ views: 1 });
    const { session, sessionId } = await watch(link);
    await service('playback-session').store.markDue({});
    expect((await sides[0].sync([{ session }])).results).toMatchObject([{ state: 'renewed' }]);
    expect(await introspect(site.app, sessionId)).toMatchObject({ active: true });
  });

  it('stay used up, however much time passes', async () => {
    const { link, id } = await make({ views: 1 });
    await watch(link);
    await site.app.strapi.db
      .query(VIEW)
      .updateMany({ where: { subject: `guest-link:${id}` }, data: { takenAt: String(Date.now() - 1000 * DAY_MS) } });
    await service('role-policies').sweepViews();
    expect(await ask(link)).toMatchObject({ code: 'link-refused' });
  });
});

/** What ends the sessions of a link. */
const ENDINGS: Record<string, (link: { id: string; video: string }) => Promise<unknown>> = {
  'it is revoked': ({ id }) => asEditor(`/guest-links/${id}/revoke`, 'POST'),
  'it has expired': ({ id }) => age(id, { expiresAt: Date.now() - 1 }),
  'it is erased': ({ id }) => asEditor(`/subjects/guest-link/${id}`, 'DELETE'),
  'it is deleted': ({ id }) => links().delete({ where: { documentId: id } }),
  'links are deleted in bulk': ({ id }) => links().deleteMany({ where: { documentId: id } }),
  'the entry is unpublished': ({ video }) => unpublishVideo(site.app, site.editor, video),
  'the entry is deleted': ({ video }) => deleteVideo(site.app, site.editor, video),
};

describe.each(Object.keys(ENDINGS))('S8 when %s', (name) => {
  it('who watches by it is cut off at the next sync, nobody else is, and a token of before opens nothing', async () => {
    const video = await publish();
    const { link, id } = await make({ video });
    const other = (await watch((await make()).link)).session;
    const [{ session }, token] = [await watch(link), await tokenFor(link)];
    await sides[0].sync([{ session }, { session: other }]);
    await ENDINGS[name]?.({ id, video });
    const [mine, theirs] = (await sides[0].sync([{ session }, { session: other }])).results;
    expect(mine).toEqual({ session, state: 'ended' });
    expect(theirs?.state).not.toBe('ended');
    const before = await sessions().count();
    for (const side of sides) expect(await side.introspect(token, LAPTOP)).toEqual(REFUSED);
    expect(await sessions().count()).toBe(before);
  });
});

describe('a lease', () => {
  it('ends with the link, to the moment', async () => {
    const { link, id } = await make();
    const { session } = await watch(link);
    const expiresAt = Date.now() + 4000;
    await age(id, { expiresAt });
    await sides[0].sync([{ session }]);
    const row = await sessions().findOne({ where: { sessionHash: session } });
    expect(Number(row.leaseDue)).toBe(expiresAt);
  });
});

describe('privacy', () => {
  it('a session and the audit name the link; who looks at sessions reads its label', async () => {
    const { link, id } = await make({ label: 'For Ada' });
    await watch(link);
    const { body } = await asEditor(`/sessions?guestLink=${id}`);
    expect(sessionPageSchema.parse(body).data).toMatchObject([{ user: { kind: 'guest-link', id, name: 'For Ada' } }]);
  });

  it('all that is kept of a link is exported, and erased with its label, its networks and its views', async () => {
    const { link, id } = await make({ label: 'For Ada', views: 5 });
    const { session } = await watch(link);
    const [row] = await auditOf(id);
    const route = `/subjects/guest-link/${id}`;
    const lines = (await asEditor(route)).text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type }) => type)).toEqual(['guest-link', 'session', 'event']);
    expect(lines[0]).toMatchObject({ label: 'For Ada', views: { left: 4 } });
    await asEditor(route, 'DELETE');
    expect((await asEditor(route)).text).toBe('');
    expect((await asEditor(`/guest-links/${id}`)).status).toBe(404);
    expect(await site.app.strapi.db.query(VIEW).count({ where: { subject: `guest-link:${id}` } })).toBe(0);
    const nobody = { originId: null, clientPrefix: '', state: 'ended' };
    expect(await sessions().findOne({ where: { sessionHash: session } })).toMatchObject(nobody);
    const kept = (await asEditor(`/audit/${row?.reference}`)).body as { data: AuditEntry };
    expect(kept.data).toMatchObject({ user: { kind: 'guest-link', id: null }, clientPrefix: null, session: null });
  });

  it('the daily sweep deletes links that were over long ago, and their views with them', async () => {
    const made = {
      revoked: await make({ views: 2 }),
      expired: await make(),
      lately: await make(),
      running: await make(),
    };
    await watch(made.revoked.link);
    for (const { id } of [made.revoked, made.lately]) await asEditor(`/guest-links/${id}/revoke`, 'POST');
    await age(made.revoked.id, { revokedAt: Date.now() - 91 * DAY_MS });
    await age(made.expired.id, { expiresAt: Date.now() - 91 * DAY_MS });
    await age(made.lately.id, { revokedAt: Date.now() - 89 * DAY_MS });
    expect(await service('retention').sweep()).toMatchObject({ guestLinks: 2 });
    const left = await Promise.all(
      Object.values(made).map(async ({ id }) => (await links().count({ where: { documentId: id } })) === 1),
    );
    expect(left).toEqual([false, false, true, true]);
    expect(await site.app.strapi.db.query(VIEW).count({ where: { subject: `guest-link:${made.revoked.id}` } })).toBe(0);
  });
});
