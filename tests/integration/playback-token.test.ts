import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteVideo, publishVideo, unpublishVideo } from '../support/films';
import { askForToken, mint } from '../support/minting';
import { PLAY, startPublishedSite } from '../support/playback-site';
import {
  type AdminAccount,
  createSiteUser,
  findSiteRole,
  grantPermission,
  type SiteUser,
} from '../support/strapi-accounts';
import type { StrapiApp } from '../support/strapi-app';

const FIND = 'plugin::protected-vod.video.find';
const FIND_ONE = 'plugin::protected-vod.video.findOne';

let app: StrapiApp;
let editor: AdminAccount;
let source: number;
let subscriber: SiteUser;
let member: SiteUser;
let subscriberRole: { id: number };

beforeAll(async () => {
  ({ app, editor, source, role: subscriberRole, viewer: subscriber } = await startPublishedSite());
  member = await createSiteUser(app, await findSiteRole(app, 'authenticated'));
});

afterAll(() => app.stop());

const anHour = 3_600_000;
const fromNow = (ms: number) => new Date(Date.now() + ms).toISOString();

describe('POST playback-token', () => {
  it('the permission is listed for roles and held by none at first', async () => {
    const held = await app.strapi.db
      .query('plugin::users-permissions.permission')
      .findMany({ where: { action: PLAY }, populate: ['role'] });
    expect(held.map((row: { role: { type: string } }) => row.role.type)).toEqual(['subscriber']);
    const actions = app.strapi.plugin('users-permissions').service('users-permissions').getActions();
    expect(Object.keys(actions['plugin::protected-vod'].controllers)).toEqual(
      expect.arrayContaining(['playback', 'video']),
    );
  });

  it('no internal endpoint is listed for roles', () => {
    const actions = app.strapi.plugin('users-permissions').service('users-permissions').getActions();
    expect(JSON.stringify(actions['plugin::protected-vod'])).not.toMatch(/internal|introspect|sync|upload/);
  });

  it('answers a permitted viewer with a token and an address per protocol, kept by no cache', async () => {
    const video = await publishVideo(app, editor, { source, allowedRoles: ['subscriber'] });
    const { status, headers } = await askForToken(app, video, subscriber.jwt);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    const minted = await mint(app, video, subscriber.jwt);
    expect(minted.urls).toEqual({
      hls: `https://video.example.test/v/${minted.token}/hls/main.m3u8`,
      dash: `https://video.example.test/v/${minted.token}/dash/manifest.mpd`,
      mp4: `https://video.example.test/v/${minted.token}/mp4`,
      download: `https://video.example.test/v/${minted.token}/download`,
      httpFlv: `https://video.example.test/v/${minted.token}/live.flv`,
      wsFlv: `wss://video.example.test/v/${minted.token}/live.flv`,
    });
    expect(minted.durationSeconds).toBeCloseTo(30, 0);
    expect(minted.expiresInSeconds).toBe(60);
  });

  it('writes no row', async () => {
    const video = await publishVideo(app, editor, { source });
    const count = (): Promise<number> => app.strapi.db.query('plugin::protected-vod.playback-session').count();
    const before = await count();
    await mint(app, video, subscriber.jwt);
    expect(await count()).toBe(before);
  });

  it('leaves the download out where the entry does not give the right', async () => {
    const video = await publishVideo(app, editor, { source, downloadable: false });
    expect((await mint(app, video, subscriber.jwt)).urls).not.toHaveProperty('download');
  });

  it.each([
    ['an anonymous visitor', (): string | null => null, 401, 'login-required'],
    ['a member without the permission', (): string | null => member.jwt, 403, 'not-entitled'],
    ['a forged bearer', (): string | null => 'eyJhbGciOiJIUzI1NiJ9.eyJpZCI6MX0.AAAA', 401, 'login-required'],
  ] as const)('refuses %s', async (_name, bearer, status, code) => {
    const video = await publishVideo(app, editor, { source });
    expect(await askForToken(app, video, bearer())).toMatchObject({ status, code });
  });

  it('serves the public once the Public role holds the permission', async () => {
    const video = await publishVideo(app, editor, { source });
    const restricted = await publishVideo(app, editor, { source, allowedRoles: ['subscriber'] });
    const role = await findSiteRole(app, 'public');
    const permission = await grantPermission(app, role, PLAY);
    expect(await askForToken(app, video, null)).toMatchObject({ status: 200 });
    expect(await askForToken(app, restricted, null)).toMatchObject({ status: 401, code: 'login-required' });
    await app.strapi.db.query('plugin::users-permissions.permission').delete({ where: { id: permission } });
    expect(await askForToken(app, video, null)).toMatchObject({ status: 401 });
  });

  it.each([
    ['a window that opens later', { availableFrom: fromNow(anHour) }, 403, 'not-available-yet'],
    ['a window that has closed', { availableUntil: fromNow(-anHour) }, 403, 'not-entitled'],
    ['another allowed role', { allowedRoles: ['staff'] }, 403, 'not-entitled'],
    ['an open window', { availableFrom: fromNow(-anHour), availableUntil: fromNow(anHour) }, 200, undefined],
    ['no allowed role named: any role with the permission', { allowedRoles: [] }, 200, undefined],
  ])('decides on %s', async (_name, fields, status, code) => {
    const video = await publishVideo(app, editor, { source, ...fields });
    expect(await askForToken(app, video, subscriber.jwt)).toMatchObject({ status, code });
  });

  it('an unpublished, a deleted and an unknown entry are all 404', async () => {
    const unpublished = await publishVideo(app, editor, { source });
    await unpublishVideo(app, editor, unpublished);
    const deleted = await publishVideo(app, editor, { source });
    await deleteVideo(app, editor, deleted);
    const answers = await Promise.all(
      [unpublished, deleted, 'aaaaaaaaaaaaaaaaaaaaaaaa'].map((id) => askForToken(app, id, subscriber.jwt)),
    );
    for (const answer of answers) expect(answer).toMatchObject({ status: 404, code: 'not-found' });
    // Alike but for the reference, which is drawn at random.
    const bodies = answers.map(({ body }) => JSON.stringify(body));
    expect(new Set(bodies.map((body) => body.replace(/"reference":"\w{12}"/, ''))).size).toBe(1);
    expect(new Set(bodies).size).toBe(3);
  });

  it.each(['..%2f..%2fadmin', 'a%00b', 'UPPER', '%25', 'a'.repeat(500)])('the id %s is 404', async (id) => {
    expect((await askForToken(app, id, subscriber.jwt)).status).toBe(404);
  });

  it('a blocked user is refused at once', async () => {
    const video = await publishVideo(app, editor, { source });
    const user = await createSiteUser(app, subscriberRole);
    await mint(app, video, user.jwt);
    await app.strapi.plugin('users-permissions').service('user').edit(user.id, { blocked: true });
    expect(await askForToken(app, video, user.jwt)).toMatchObject({ status: 401 });
  });

  it('a custom API token with the permission mints; a full-access one speaks for no one', async () => {
    const video = await publishVideo(app, editor, { source });
    const tokens = app.strapi.service('admin::api-token');
    const make = (name: string, type: string, permissions: string[]): Promise<{ accessKey: string }> =>
      tokens.create({ name, description: '', type, lifespan: null, permissions });
    const custom = await make('custom', 'custom', [PLAY]);
    const full = await make('full', 'full-access', []);
    expect(await askForToken(app, video, custom.accessKey)).toMatchObject({ status: 200 });
    expect(await askForToken(app, video, full.accessKey)).toMatchObject({ status: 403, code: 'not-entitled' });
  });
});

describe('GET videos', () => {
  beforeAll(async () => {
    await grantPermission(app, subscriberRole, FIND);
    await grantPermission(app, subscriberRole, FIND_ONE);
  });

  const get = async (path: string) => {
    const response = await fetch(`${app.url}/api/protected-vod/videos${path}`, {
      headers: { authorization: `Bearer ${subscriber.jwt}` },
    });
    return { status: response.status, text: await response.text() };
  };

  it('lists published entries without their access fields', async () => {
    const video = await publishVideo(app, editor, { source, title: 'Listed', allowedRoles: ['subscriber'] });
    const { status, text } = await get(`/${video}`);
    expect(status).toBe(200);
    expect(text).toContain('Listed');
    expect(text).not.toMatch(/allowedRoles|availableFrom|downloadable|subscriber/);
  });

  it('S10 a query for drafts brings none', async () => {
    const draft = await publishVideo(app, editor, { source, title: 'Never shown' });
    await unpublishVideo(app, editor, draft);
    expect((await get('?status=draft')).text).not.toContain('Never shown');
    expect((await get(`/${draft}?status=draft`)).status).toBe(404);
  });

  it('private access fields cannot be probed by filters', async () => {
    expect((await get('?filters[downloadable][$eq]=true')).status).toBe(400);
  });
});
