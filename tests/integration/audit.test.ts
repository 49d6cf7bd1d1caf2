import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditEntry, auditEventSchema, auditPageSchema, playbackRefusalSchema } from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import { publishVideo, unpublishVideo, uploadFilm } from '../support/films';
import { hashOf, introspect, LAPTOP, PHONE, redeem, streamerSide } from '../support/internal';
import { askForToken, mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { describeTwoNodes } from '../support/second-node';
import { createAdminWith, createSiteUser, findSiteRole, type SiteUser } from '../support/strapi-accounts';
import { until } from '../support/until';

const AUDIT = 'plugin::protected-vod.audit-event';
const READ_AUDIT = 'plugin::protected-vod.audit.read';

let site: PublishedSite;
/** Everything that must never be written down, gathered as the tests go. */
const secrets: string[] = [];

beforeAll(async () => {
  site = await startPublishedSite();
});

afterAll(() => site.app.stop());

const newViewer = () => createSiteUser(site.app, site.role);

async function listed(query: string): Promise<AuditEntry[]> {
  const answer = await askAsAdmin(site.app, site.editor, `/audit?limit=200&${query}`);
  expect(answer.status, answer.text).toBe(200);
  return auditPageSchema.parse(answer.body).data;
}

/** A session of a fresh user, and how it is told in the audit. */
async function watch(viewer: SiteUser) {
  const { token } = await mint(site.app, site.video, viewer.jwt);
  const { sessionId } = await redeem(site.app, token);
  secrets.push(token, sessionId, hashOf(sessionId), viewer.jwt, viewer.email);
  return { token, sessionId };
}

async function refusedMint(viewer: SiteUser | null, video = site.video) {
  const { body } = await askForToken(site.app, video, viewer?.jwt ?? null);
  return playbackRefusalSchema.parse(body).error.details;
}

describe('S26 the audit', () => {
  it('tells a mint by the row of its redemption: user, role, entry, asset, client prefix', async () => {
    const viewer = await newViewer();
    await watch(viewer);
    const [row, ...others] = await listed(`user=${viewer.id}`);
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      kind: 'redemption',
      user: { kind: 'user', id: String(viewer.id) },
      role: 'subscriber',
      video: site.video,
      clientPrefix: PHONE.addressPrefix,
      count: 1,
      reason: null,
    });
    expect(row?.session).toMatch(/^[a-z0-9]{24}$/);
    expect(row?.asset).toMatch(/^[a-z0-9]{24}$/);
  });

  it('has one redemption row however often and however parallel the token is shown', async () => {
    const viewer = await newViewer();
    const { token } = await mint(site.app, site.video, viewer.jwt);
    await Promise.all(Array.from({ length: 20 }, () => introspect(site.app, token)));
    expect(await listed(`user=${viewer.id}&kind=redemption`)).toHaveLength(1);
  });

  it('tells a refused viewer the public code and a reference, and an editor the reason behind it', async () => {
    const stranger = await createSiteUser(site.app, await findSiteRole(site.app, 'authenticated'));
    const { code, reference } = await refusedMint(stranger);
    expect(code).toBe('not-entitled');
    const answer = await askAsAdmin(site.app, site.editor, `/audit/${reference?.toLowerCase()}`);
    expect(auditEventSchema.parse((answer.body as { data: unknown }).data)).toMatchObject({
      reference,
      kind: 'refusal',
      reason: 'permission-missing',
      user: { kind: 'user', id: String(stranger.id) },
      role: 'authenticated',
      video: site.video,
      clientPrefix: '127.0.0.0/24',
    });
    expect((await askAsAdmin(site.app, site.editor, '/audit/AAAAAAAAAAAA')).status).toBe(404);
    expect((await askAsAdmin(site.app, site.editor, '/audit/no-reference')).status).toBe(404);
  });

  it('tells an anonymous visitor a reference too, and the audit names nobody', async () => {
    const { code, reference } = await refusedMint(null);
    expect(code).toBe('login-required');
    expect((await askAsAdmin(site.app, site.editor, `/audit/${reference}`)).body).toMatchObject({
      data: { kind: 'refusal', user: { kind: 'public', id: null }, role: 'public', video: site.video },
    });
  });

  it('refuses a hidden entry as one that never was, both with a reference', async () => {
    const viewer = await newViewer();
    const hidden = await publishVideo(site.app, site.editor, { source: site.source });
    await unpublishVideo(site.app, site.editor, hidden);
    for (const video of [hidden, 'neverwasneverwasneverwas']) {
      expect(await refusedMint(viewer, video)).toMatchObject({ code: 'not-found', reference: expect.any(String) });
    }
  });

  it('counts equal refusals within a minute in one row with one reference', async () => {
    const viewer = await newViewer();
    const video = await publishVideo(site.app, site.editor, { source: site.source, allowedRoles: ['gold'] });
    const first = await refusedMint(viewer, video);
    await site.app.strapi.plugin('protected-vod').service('audit').flush();
    const later = await Promise.all(Array.from({ length: 9 }, () => refusedMint(viewer, video)));
    expect(new Set(later.map(({ reference }) => reference))).toEqual(new Set([first.reference]));
    expect(await listed(`user=${viewer.id}`)).toMatchObject([
      { reason: 'role-not-allowed', role: 'subscriber', count: 10 },
    ]);
  });

  it('a user who asks for ever new videos gets no more rows than the limit, and always a reference', async () => {
    const viewer = await newViewer();
    const videos = Array.from({ length: 100 }, (_, at) => `made${String(at).padStart(20, '0')}`);
    for (const video of videos) expect(await refusedMint(viewer, video)).toHaveProperty('reference');
    const rows = await listed(`user=${viewer.id}`);
    expect(rows).toHaveLength(61);
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(100);
    expect(rows[0]).toMatchObject({ video: null, count: 40 });
  });

  it('tells the streamer nothing: its refusal carries no reference', async () => {
    const viewer = await newViewer();
    const { token } = await watch(viewer);
    expect(await introspect(site.app, token, LAPTOP, 0)).toEqual({ active: false, final: false });
    const [refusal] = await listed(`user=${viewer.id}&kind=refusal`);
    expect(refusal).toMatchObject({ reason: 'client-mismatch', clientPrefix: LAPTOP.addressPrefix });
    expect(refusal?.session).toEqual((await listed(`user=${viewer.id}&kind=redemption`))[0]?.session);
  });

  it('counts credentials that nobody made in one row, however many come', async () => {
    const before = await site.app.strapi.db.query(AUDIT).count();
    const forged = `${(await mint(site.app, site.video, site.viewer.jwt)).token.slice(0, -4)}AAAA`;
    for (let at = 0; at < 30; at += 1)
      expect(await introspect(site.app, forged)).toEqual({ active: false, final: true });
    expect((await askForToken(site.app, site.video, 'no.such.jwt')).status).toBe(401);
    const audit = site.app.strapi.plugin('protected-vod').service('audit');
    await audit.flush();
    expect(await site.app.strapi.db.query(AUDIT).count()).toBe(before);
    await audit.close();
    audit.start();
    const [row] = await listed('kind=unknown-credentials');
    expect(row).toMatchObject({ count: 31, user: null, video: null, clientPrefix: null });
    expect(await site.app.strapi.db.query(AUDIT).count()).toBe(before + 1);
  });

  it('tells each end of a session once, with its reason', async () => {
    const viewer = await newViewer();
    const { sessionId } = await watch(viewer);
    const streamer = streamerSide(site.app);
    const users = site.app.strapi.plugin('users-permissions').service('user');
    await users.edit(viewer.id, { blocked: true });
    await streamer.sync([{ session: hashOf(sessionId) }]);
    await users.edit(viewer.id, { password: 'Aa1-something-else' });
    expect(await listed(`user=${viewer.id}&kind=end`)).toMatchObject([
      { reason: 'user-blocked', actor: null, clientPrefix: PHONE.addressPrefix, video: site.video },
    ]);
  });

  it('tells of all sessions that one change ended, each by itself', async () => {
    const viewer = await newViewer();
    for (let at = 0; at < 3; at += 1) await watch(viewer);
    const users = site.app.strapi.plugin('users-permissions').service('user');
    await site.app.strapi.db.transaction(() => users.edit(viewer.id, { password: 'Aa1-something-else' }));
    const ends = await listed(`user=${viewer.id}&kind=end`);
    expect(ends.map(({ reason }) => reason)).toEqual(Array(3).fill('password-changed'));
    expect(new Set(ends.map(({ session }) => session)).size).toBe(3);
  });

  it('tells of no end where the change that would have ended the session was rolled back', async () => {
    const viewer = await newViewer();
    await watch(viewer);
    const users = site.app.strapi.plugin('users-permissions').service('user');
    const change = site.app.strapi.db.transaction(async () => {
      await users.edit(viewer.id, { password: 'Aa1-something-else' });
      throw new Error('rolled back');
    });
    await expect(change).rejects.toThrow('rolled back');
    expect(await listed(`user=${viewer.id}&kind=end`)).toEqual([]);
  });

  it('tells who took a session over: the same browser elsewhere, then another one after silence', async () => {
    const viewer = await newViewer();
    const { token, sessionId } = await watch(viewer);
    const moved = { ...PHONE, addressPrefix: '192.0.2.0/24' };
    await Promise.all(Array.from({ length: 5 }, () => introspect(site.app, token, moved)));
    const where = { sessionHash: hashOf(sessionId) };
    const lastSeenAt = String(Date.now() - 16_000);
    await site.app.strapi.db.query('plugin::protected-vod.playback-session').update({ where, data: { lastSeenAt } });
    await site.app.strapi.db
      .query('plugin::protected-vod.session-holder')
      .updateMany({ where, data: { seenAt: lastSeenAt } });
    expect(await introspect(site.app, token, LAPTOP, 16_000)).toMatchObject({ active: true });
    const user = { kind: 'user', id: String(viewer.id) };
    expect(await listed(`user=${viewer.id}&kind=take-over`)).toMatchObject([
      { reason: 'client-silent', clientPrefix: LAPTOP.addressPrefix, user, video: site.video },
      { reason: 'client-moved', clientPrefix: moved.addressPrefix, user, video: site.video },
    ]);
  });

  it('keeps a rule’s own words, at the click and at the lease, and no database stumbles over them', async () => {
    const viewer = await newViewer();
    const { sessionId } = await watch(viewer);
    const words = 'closed\u0000 until \u{1f3ac} Monday';
    const entitlement = site.app.strapi.plugin('protected-vod').service('entitlement');
    const decide = async ({ caller }: { caller: { id?: string } }) =>
      caller.id === String(viewer.id) ? { verdict: 'deny', reason: words } : { verdict: 'abstain' };
    await entitlement.register({ name: 'office-hours', decide });
    try {
      await refusedMint(viewer);
      await entitlement.changed({ user: viewer.id });
      await streamerSide(site.app).sync([{ session: hashOf(sessionId) }]);
    } finally {
      await entitlement.unregister('office-hours');
    }
    const said = { reason: 'rule-denied', rule: 'office-hours', ruleReason: 'closed  until \u{1f3ac} Monday' };
    expect(await listed(`user=${viewer.id}&reason=rule-denied`)).toMatchObject([
      { kind: 'end', ...said },
      { kind: 'refusal', ...said },
    ]);
    expect((await listed(`user=${viewer.id}&kind=redemption`))[0]?.ruleReason).toBeNull();
  });

  it('tells who uploaded, deleted and restored a film', async () => {
    const file = await uploadFilm(site.app, site.editor);
    const asset = file.url.split('/').at(-1);
    const response = await fetch(`${site.app.url}/upload/files/${file.id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${site.editor.token}` },
    });
    expect(response.status).toBe(200);
    const admin = { kind: 'admin', id: String(site.editor.id) };
    await site.app.strapi.plugin('protected-vod').service('asset').restore(asset);
    expect(await listed(`asset=${asset}`)).toMatchObject([
      { kind: 'restore', user: null },
      { kind: 'deletion', user: admin, reason: 'file-deleted' },
      { kind: 'upload', user: admin, reason: null },
    ]);
  });

  it('a redemption asks the database nothing for it', async () => {
    const audit = site.app.strapi.plugin('protected-vod').service('audit');
    const { token } = await mint(site.app, site.video, (await newViewer()).jwt);
    await audit.close();
    const statements: string[] = [];
    const note = ({ sql }: { sql: string }) => statements.push(sql);
    site.app.strapi.db.connection.on('query', note);
    try {
      await redeem(site.app, token);
      await introspect(site.app, token, LAPTOP, 0);
    } finally {
      site.app.strapi.db.connection.removeListener('query', note);
      audit.start();
    }
    expect(statements.length).toBeGreaterThan(3);
    expect(statements.filter((sql) => sql.includes('audit'))).toEqual([]);
  });
});

describe('GET audit', () => {
  it('gives pages that neither repeat nor skip while rows come in', async () => {
    const viewer = await newViewer();
    for (let at = 0; at < 3; at += 1) await watch(viewer);
    const seen: string[] = [];
    for (let next: number | null = null, page = 0; page === 0 || next !== null; page += 1) {
      const before = next === null ? '' : `&before=${next}`;
      const answer = await askAsAdmin(site.app, site.editor, `/audit?user=${viewer.id}&limit=1${before}`);
      const { data, meta } = auditPageSchema.parse(answer.body);
      seen.push(...data.map(({ reference }) => reference));
      next = meta.next;
      if (page === 0) await watch(viewer);
    }
    expect(seen).toHaveLength(3);
    expect(new Set(seen).size).toBe(3);
  });

  it.each([
    'kind=nothing',
    'limit=0',
    'limit=201',
    'before=x',
    'since=never',
    'unknown=1',
    'user[$ne]=1',
    'user=1&user=2',
  ])('?%s answers 400', async (query) => {
    expect((await askAsAdmin(site.app, site.editor, `/audit?${query}`)).status).toBe(400);
  });

  it('filters by time', async () => {
    const viewer = await newViewer();
    await watch(viewer);
    const now = new Date(Date.now() + 60_000).toISOString();
    expect(await listed(`user=${viewer.id}&since=${now}`)).toEqual([]);
    expect(await listed(`user=${viewer.id}&until=${now}`)).toHaveLength(1);
  });

  it('export streams every row that matches as one line of JSON, the oldest first', async () => {
    const { text, status } = await askAsAdmin(site.app, site.editor, '/audit/export');
    expect(status).toBe(200);
    const lines = text.trimEnd().split('\n');
    const rows = lines.map((line) => auditEventSchema.parse(JSON.parse(line)));
    expect(rows).toHaveLength(await site.app.strapi.db.query(AUDIT).count());
    expect(rows.map(({ reference }) => reference)).toContain((await listed('kind=upload')).at(-1)?.reference);
  });

  it('is closed to an administrator without the right, and open to one with nothing else', async () => {
    const other = await createAdminWith(site.app, [{ action: 'plugin::upload.read' }]);
    const auditor = await createAdminWith(site.app, [{ action: READ_AUDIT }]);
    for (const route of ['/audit', '/audit/export', '/audit/AAAAAAAAAAAA']) {
      expect((await askAsAdmin(site.app, other, route)).status).toBe(403);
    }
    expect((await askAsAdmin(site.app, auditor, '/audit')).status).toBe(200);
  });
});

describeTwoNodes('S26 two nodes', (node) => {
  it('that are shown one token at once tell one redemption', async () => {
    const viewer = await newViewer();
    const other = { ...site.app, ...node };
    for (let round = 0; round < 5; round += 1) {
      const { token } = await mint(site.app, site.video, viewer.jwt);
      await Promise.all([site.app, other, site.app, other].map((one) => introspect(one, token)));
      await introspect(other, token, LAPTOP, 0);
    }
    const redemptions = () => listed(`user=${viewer.id}&kind=redemption`);
    await until('both nodes wrote', async () => (await redemptions()).length >= 5);
    expect(await redemptions()).toHaveLength(5);
  });
});

describe('S21 the rows of the audit', () => {
  it('hold no token, session id, hash, e-mail or whole address', async () => {
    const { text } = await askAsAdmin(site.app, site.editor, '/audit/export');
    const columns = JSON.stringify(await site.app.strapi.db.getConnection('protected_vod_audit_events').select());
    expect(secrets.length).toBeGreaterThan(20);
    for (const secret of secrets) {
      expect(text).not.toContain(secret);
      expect(columns).not.toContain(secret);
    }
    for (const written of [text, columns]) {
      expect(written).not.toMatch(/eyJ|ps_[A-Za-z0-9_-]{20}|127\.0\.0\.1/);
      expect(written).toContain('127.0.0.0/24');
    }
  });
});
