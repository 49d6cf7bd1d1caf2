import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditPageSchema, type Client, playbackTokenAnswerSchema, sessionPageSchema } from '../../server/contracts';
import { askAsAdmin } from '../support/admin-rest';
import { publishVideo, sendAsAdmin, unpublishVideo, uploadFilm, VIDEO_ROUTE } from '../support/films';
import { askForPreview, askWithLink, makeGuestLink } from '../support/guest-links';
import { hashOf, introspect, PHONE, redeem, streamerSide } from '../support/internal';
import { askForToken, mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { setPolicies } from '../support/policies';
import { type AdminAccount, createAdminWith, createSiteUser } from '../support/strapi-accounts';

const PREVIEW = 'plugin::protected-vod.preview';
const SESSION = 'plugin::protected-vod.playback-session';
const LIFETIME_SECONDS = 120;
const DAY_MS = 86_400_000;
/** The phone, in another network. */
const MOVED: Client = { addressPrefix: '192.0.2.0/24', agent: PHONE.agent };

let site: PublishedSite;
let previewer: AdminAccount;

beforeAll(async () => {
  site = await startPublishedSite({ pluginConfig: { preview: { lifetimeSeconds: LIFETIME_SECONDS } } });
  previewer = await newPreviewer();
});
afterAll(() => site.app.stop());

const rightOf = (name: string) => `plugin::protected-vod.${name}`;
const newPreviewer = () => createAdminWith(site.app, [{ action: PREVIEW }]);
const rows = () => site.app.strapi.db.query(SESSION);

/** An entry that was saved and never published. */
async function saveDraft(fields: object = {}): Promise<string> {
  const entry = { title: 'A draft', source: site.source, ...fields };
  const saved = await sendAsAdmin(site.app, site.editor, VIDEO_ROUTE, entry);
  return (saved as { data: { documentId: string } }).data.documentId;
}

async function previewToken(video: string, admin = previewer): Promise<string> {
  const { status, body } = await askForPreview(site.app, admin.token, video);
  expect(status, JSON.stringify(body)).toBe(200);
  return playbackTokenAnswerSchema.parse(body).data.token;
}

async function preview(video: string, admin = previewer) {
  const { sessionId, grant } = await redeem(site.app, await previewToken(video, admin));
  return { sessionId, grant, session: hashOf(sessionId) };
}

describe('POST preview-token', () => {
  it('S10 opens a draft that no viewer and no guest reaches', async () => {
    const draft = await saveDraft();
    expect((await preview(draft)).grant).toMatchObject({ video: draft, download: false });
    expect(await askForToken(site.app, draft, site.viewer.jwt)).toMatchObject({ status: 404, code: 'not-found' });
    const { link } = await makeGuestLink(site.app, site.editor, { video: draft });
    expect(await askWithLink(site.app, { link })).toMatchObject({ status: 404, code: 'not-found' });
  });

  it('S10 opens the film of the draft where another one is published, which viewers go on to get', async () => {
    const video = await publishVideo(site.app, site.editor, { source: site.source });
    const { id: source } = await uploadFilm(site.app, site.editor);
    await sendAsAdmin(site.app, site.editor, `${VIDEO_ROUTE}/${video}`, { title: 'Recut', source }, 'PUT');
    const watched = (await redeem(site.app, (await mint(site.app, video, site.viewer.jwt)).token)).grant;
    const { link } = await makeGuestLink(site.app, site.editor, { video });
    const shown = playbackTokenAnswerSchema.parse((await askWithLink(site.app, { link })).body).data;
    const { grant } = await preview(video);
    expect(grant.asset.id).not.toBe(watched.asset.id);
    expect((await redeem(site.app, shown.token)).grant.asset.id).toBe(watched.asset.id);
  });

  it('S10 no token of a viewer becomes one of an editor by whoever shows it', async () => {
    const video = await publishVideo(site.app, site.editor, { source: site.source });
    const { token } = await mint(site.app, video, site.viewer.jwt);
    const other = await mint(site.app, video, site.viewer.jwt);
    const { sessionId } = await redeem(site.app, other.token);
    await unpublishVideo(site.app, site.editor, video);
    await preview(video);
    expect(await introspect(site.app, token)).toEqual({ active: false, final: false });
    expect(await introspect(site.app, sessionId)).toEqual({ active: false, final: true });
  });

  it('opens what viewers may not see yet, not any more, or not in their role', async () => {
    for (const fields of [
      { availableFrom: new Date(Date.now() + DAY_MS).toISOString() },
      { availableUntil: new Date(Date.now() - DAY_MS).toISOString() },
      { allowedRoles: ['nobody'] },
    ]) {
      const video = await publishVideo(site.app, site.editor, { source: site.source, ...fields });
      expect(await askForToken(site.app, video, site.viewer.jwt)).toMatchObject({ status: 403 });
      expect((await preview(video)).grant).toMatchObject({ video, download: true });
    }
  });

  it('answers 404 where there is no such entry or no film in it', async () => {
    const empty = await saveDraft({ source: null });
    for (const video of [empty, 'aaaaaaaaaaaaaaaaaaaaaaaa', 'A-A']) {
      const answer = await askForPreview(site.app, previewer.token, video);
      expect(answer).toMatchObject({ status: 404, code: 'not-found' });
    }
    expect((await askForPreview(site.app, previewer.token, site.video, '?locale=xx')).status).toBe(404);
  });

  it('is answered to the right alone, and to nobody of the site', async () => {
    const other = await createAdminWith(site.app, [{ action: 'plugin::protected-vod.sessions.read' }]);
    expect((await askForPreview(site.app, other.token, site.video)).status).toBe(403);
    for (const bearer of [site.viewer.jwt, 'nonsense', '']) {
      expect((await askForPreview(site.app, bearer, site.video)).status, bearer).toBe(401);
    }
    expect((await askForPreview(site.app, site.editor.token, site.video)).status).toBe(200);
  });

  it('S8 is not answered to an admin token, whose right no lease could look at again', async () => {
    const adminPermissions = [{ action: PREVIEW, subject: null, conditions: [], properties: {} }];
    const wanted = { name: 'kiosk', description: '', lifespan: null, adminPermissions };
    const made = await sendAsAdmin(site.app, site.editor, '/admin/admin-tokens', wanted);
    const { accessKey } = (made as { data: { accessKey: string } }).data;
    const answer = await askForPreview(site.app, accessKey, site.video);
    expect(answer).toMatchObject({ status: 403, code: 'not-entitled' });
  });
});

describe('a preview', () => {
  it('ends after the minutes that are configured', async () => {
    const { session, sessionId } = await preview(site.video);
    const { sync } = streamerSide(site.app);
    await sync([{ session }]);
    const row = await rows().findOne({ where: { sessionHash: session } });
    const startedAt = Date.now() - LIFETIME_SECONDS * 1000;
    expect(Number(row.leaseDue)).toBeLessThanOrEqual(Number(row.startedAt) + LIFETIME_SECONDS * 1000);
    await rows().update({ where: { sessionHash: session }, data: { startedAt: String(startedAt), leaseDue: '0' } });
    expect((await sync([{ session }])).results).toEqual([{ session, state: 'ended' }]);
    expect(await introspect(site.app, sessionId)).toEqual({ active: false, final: true });
    expect(await rows().findOne({ where: { sessionHash: session } })).toMatchObject({
      endReason: 'session-lifetime-over',
    });
  });

  it('is not handed over: another network is refused, the same browser and after silence too', async () => {
    const token = await previewToken(site.video);
    const { sessionId } = await redeem(site.app, token);
    for (const idleMs of [null, 0, 60_000]) {
      expect(await introspect(site.app, sessionId, MOVED, idleMs)).toEqual({ active: false, final: false });
      expect(await introspect(site.app, token, MOVED, idleMs)).toEqual({ active: false, final: false });
    }
    expect(await rows().findOne({ where: { sessionHash: hashOf(sessionId) } })).toMatchObject({ generation: 0 });
    expect(await introspect(site.app, sessionId)).toMatchObject({ active: true });
  });

  it('uses up nobody’s views and places, and is held to no policy of a role', async () => {
    await setPolicies(site.app, site.editor, {
      roles: { subscriber: { maxConcurrent: 1, views: { limit: 1, windowSeconds: 3600 }, maxHeight: 1 } },
    });
    const counted = async () => [
      await site.app.strapi.db.query('plugin::protected-vod.view').count(),
      await site.app.strapi.db.query('plugin::protected-vod.session-slot').count(),
    ];
    const before = await counted();
    for (let at = 0; at < 3; at += 1) await preview(site.video);
    expect(await counted()).toEqual(before);
    await setPolicies(site.app, site.editor, { roles: {} });
  });

  it('is told in the audit and in the list of sessions by the administrator who asked', async () => {
    const admin = await newPreviewer();
    const draft = await saveDraft();
    await preview(draft, admin);
    await askForPreview(site.app, admin.token, await saveDraft({ source: null }));
    const audit = await askAsAdmin(site.app, site.editor, `/audit?video=${draft}`);
    const user = { kind: 'admin', id: String(admin.id) };
    expect(auditPageSchema.parse(audit.body).data).toMatchObject([
      { kind: 'redemption', user, role: null, reason: 'editor-preview', video: draft },
    ]);
    const marked = await askAsAdmin(site.app, site.editor, '/audit?reason=editor-preview&kind=redemption&limit=1');
    expect(auditPageSchema.parse(marked.body).data).toMatchObject([{ user }]);
    const refused = await askAsAdmin(site.app, site.editor, '/audit?reason=asset-missing&kind=refusal&limit=1');
    expect(auditPageSchema.parse(refused.body).data).toMatchObject([{ user }]);
    const listed = await askAsAdmin(site.app, site.editor, `/sessions?video=${draft}`);
    const name = expect.stringMatching(/^Test /);
    expect(sessionPageSchema.parse(listed.body).data).toMatchObject([{ user: { ...user, name } }]);
  });
});

describe('what is kept of an administrator', () => {
  const asEditor = (route: string, init: { method?: string; body?: unknown } = {}) =>
    askAsAdmin(site.app, site.editor, route, init);
  const linesOf = async (id: number) =>
    (await asEditor(`/subjects/admin/${id}`)).text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  const RIGHTS = [PREVIEW, ...['guest-links.create', 'guest-links.revoke', 'sessions.end'].map(rightOf)];
  const newEditor = () =>
    createAdminWith(
      site.app,
      RIGHTS.map((action) => ({ action })),
    );

  /** A preview, a guest link that is revoked, and the end of a viewer's session. */
  async function work(admin: AdminAccount) {
    const viewer = await createSiteUser(site.app, site.role);
    await redeem(site.app, (await mint(site.app, site.video, viewer.jwt)).token);
    const end = { method: 'POST', body: { user: viewer.id } };
    await askAsAdmin(site.app, admin, '/sessions/end', end);
    const link = await makeGuestLink(site.app, admin, { video: site.video });
    await askAsAdmin(site.app, admin, `/guest-links/${link.id}/revoke`, { method: 'POST' });
    return {
      viewer,
      link: link.id,
      ...(await preview(site.video, admin)),
      unused: await previewToken(site.video, admin),
    };
  }

  it('is exported: previews, and what was done to viewers and links', async () => {
    const [admin, other] = [await newEditor(), await newEditor()];
    const [{ viewer, link }] = [await work(admin), await work(other)];
    const lines = await linesOf(admin.id);
    const acts = lines.map(({ type, kind, reason }) => [type, kind, reason]);
    expect(acts.slice(0, 2).map(([type]) => type)).toEqual(['guest-link', 'session']);
    expect(acts.slice(2).toSorted()).toEqual([
      ['event', 'end', 'ended-by-editor'],
      ['event', 'guest-link', 'made'],
      ['event', 'guest-link', 'revoked'],
      ['event', 'redemption', 'editor-preview'],
    ]);
    const me = { kind: 'admin', id: String(admin.id) };
    expect(lines[0]).toMatchObject({ id: link, madeBy: { id: me.id }, revokedBy: { id: me.id } });
    expect(lines[1]).toMatchObject({ user: me });
    const ended = lines.find(({ kind }) => kind === 'end');
    expect(ended).toMatchObject({ actor: me, user: { kind: 'user', id: String(viewer.id) } });
    const listed = await asEditor(`/sessions?admin=${admin.id}`);
    expect(sessionPageSchema.parse(listed.body).data).toMatchObject([{ user: me }]);
  });

  it('is erased: what runs ends, and what stays names whom it was done to, not by whom', async () => {
    const [admin, other] = [await newEditor(), await newEditor()];
    const [{ viewer, link, session, unused }, theirs] = [await work(admin), await work(other)];
    const { sync } = streamerSide(site.app);
    await sync([{ session }, { session: theirs.session }]);
    const { body } = await asEditor(`/subjects/admin/${admin.id}`, { method: 'DELETE' });
    // The end of the preview is told as well.
    expect(body).toEqual({ data: { sessions: 1, events: 5 } });
    expect(await linesOf(admin.id)).toEqual([]);
    const states = (await sync([{ session }, { session: theirs.session }])).results.map(
      ({ state }) => state === 'ended',
    );
    expect(states).toEqual([true, false]);
    expect(await introspect(site.app, unused)).toMatchObject({ active: false });
    const audit = await asEditor(`/audit?user=${viewer.id}&kind=end`);
    const nobody = { kind: 'admin', id: null };
    expect(auditPageSchema.parse(audit.body).data).toMatchObject([
      { actor: nobody, user: { kind: 'user', id: String(viewer.id) }, clientPrefix: PHONE.addressPrefix },
    ]);
    const made = await asEditor(`/audit?guestLink=${link}`);
    expect(auditPageSchema.parse(made.body).data.map(({ actor }) => actor)).toEqual([nobody, nobody]);
    expect((await asEditor(`/guest-links/${link}`)).body).toMatchObject({
      data: { state: 'revoked', madeBy: null, revokedBy: null },
    });
    expect(await linesOf(other.id)).toHaveLength(6);
  });

  it('is for who may see or erase it, and of nobody who could not be one', async () => {
    const admin = await newEditor();
    for (const method of ['GET', 'DELETE']) {
      expect((await askAsAdmin(site.app, admin, `/subjects/admin/${admin.id}`, { method })).status).toBe(403);
      expect((await asEditor('/subjects/admin/x', { method })).status).toBe(400);
    }
    expect((await asEditor(`/subjects/admin/${2 ** 40}`, { method: 'DELETE' })).body).toEqual({
      data: { sessions: 0, events: 0 },
    });
  });
});

const admins = () => site.app.strapi.service('admin::user');

/** What takes an editor's preview away. */
const ENDINGS: Record<string, (admin: AdminAccount) => Promise<unknown>> = {
  'the account is deactivated': ({ id }) => admins().updateById(id, { isActive: false }),
  'the account is blocked': ({ id }) => admins().updateById(id, { blocked: true }),
  'the account is deleted': ({ id }) => admins().deleteById(id),
  'all such accounts are deactivated at once': ({ id }) =>
    site.app.strapi.db.query('admin::user').updateMany({ where: { id }, data: { isActive: false } }),
  'the right is unticked': async (admin) =>
    site.app.strapi.service('admin::role').assignPermissions(await roleOf(admin), []),
  'the role is taken away': ({ id }) => admins().updateById(id, { roles: [] }),
  'the role loses its members': async (admin) =>
    site.app.strapi.db.query('admin::role').update({ where: { id: await roleOf(admin) }, data: { users: [] } }),
  'the right’s row is deleted in bulk': async (admin) =>
    site.app.strapi.db.query('admin::permission').deleteMany({ where: { role: { id: await roleOf(admin) } } }),
  'the password is changed': ({ id }) => admins().updateById(id, { password: 'Aa1-another-one' }),
  'the editor signs out': async ({ token }) =>
    fetch(`${site.app.url}/admin/logout`, { method: 'POST', headers: { authorization: `Bearer ${token}` } }),
};

async function roleOf({ id }: AdminAccount): Promise<number> {
  const found = await site.app.strapi.db.query('admin::user').findOne({ where: { id }, populate: ['roles'] });
  return found.roles[0].id;
}

describe.each(Object.keys(ENDINGS))('S8 when %s', (name) => {
  it('a running preview ends at the next sync, and that of another editor goes on', async () => {
    const admin = await newPreviewer();
    const { session } = await preview(site.video, admin);
    const other = (await preview(site.video)).session;
    const { sync } = streamerSide(site.app);
    await sync([{ session }, { session: other }]);
    await ENDINGS[name]?.(admin);
    const [mine, theirs] = (await sync([{ session }, { session: other }])).results;
    expect(mine).toEqual({ session, state: 'ended' });
    expect(theirs?.state).not.toBe('ended');
  });
});

describe.each(Object.keys(ENDINGS))('S5 when %s', (name) => {
  it('a token of before opens nothing, and no row is written', async () => {
    const admin = await newPreviewer();
    const token = await previewToken(site.video, admin);
    await ENDINGS[name]?.(admin);
    const before = await rows().count();
    expect(await introspect(site.app, token)).toMatchObject({ active: false });
    expect(await rows().count()).toBe(before);
  });
});
