import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playbackTokenAnswerSchema } from '../../server/contracts';
import { publishVideo } from '../support/films';
import { hashOf, redeem, streamerSide } from '../support/internal';
import { askForToken } from '../support/minting';
import { PLAY, type PublishedSite, startPublishedSite } from '../support/playback-site';
import { setPolicies } from '../support/policies';
import { createSiteUser, findSiteRole, type SiteUser } from '../support/strapi-accounts';

const SESSION = 'plugin::protected-vod.playback-session';

let site: PublishedSite;

interface ApiToken {
  id: number;
  accessKey: string;
}

beforeAll(async () => {
  site = await startPublishedSite();
});
afterAll(() => site.app.stop());

const tokens = () => site.app.strapi.service('admin::api-token');
const users = () => site.app.strapi.plugin('users-permissions').service('user');

const makeToken = (type: 'full-access' | 'custom'): Promise<ApiToken> =>
  tokens().create({
    name: `${type}-${Math.random()}`,
    description: '',
    type,
    lifespan: null,
    permissions: type === 'custom' ? [PLAY] : null,
  });

const ask = (bearer: string, body?: unknown, video = site.video) => askForToken(site.app, video, bearer, '', body);

async function watch(token: ApiToken, user: SiteUser) {
  const { status, body } = await ask(token.accessKey, { user: user.id });
  expect(status).toBe(200);
  const minted = playbackTokenAnswerSchema.parse(body).data.token;
  const { sessionId, grant } = await redeem(site.app, minted);
  return { session: hashOf(sessionId), grant };
}

describe('POST playback-token with a full-access API token', () => {
  it('and no user answers 403: it speaks for no one', async () => {
    const { accessKey } = await makeToken('full-access');
    expect(await ask(accessKey)).toMatchObject({ status: 403, code: 'not-entitled' });
    expect(await ask(accessKey, {})).toMatchObject({ status: 403, code: 'not-entitled' });
  });

  it('is decided like the user that it names', async () => {
    const { accessKey } = await makeToken('full-access');
    const kept = await publishVideo(site.app, site.editor, { source: site.source, allowedRoles: ['subscriber'] });
    const stranger = await createSiteUser(site.app, await findSiteRole(site.app, 'authenticated'));
    const blocked = await createSiteUser(site.app, site.role);
    await users().edit(blocked.id, { blocked: true });
    expect(await ask(accessKey, { user: site.viewer.id }, kept)).toMatchObject({ status: 200 });
    expect(await ask(accessKey, { user: String(site.viewer.id) }, kept)).toMatchObject({ status: 200 });
    const REFUSED = { status: 403, code: 'not-entitled' };
    expect(await ask(accessKey, { user: stranger.id }, kept)).toMatchObject(REFUSED);
    expect(await ask(accessKey, { user: blocked.id }, kept)).toMatchObject(REFUSED);
    expect(await ask(accessKey, { user: 999_999 }, kept)).toMatchObject(REFUSED);
  });

  it.each([null, '', 0, -1, 1.5, 'me', {}, [1]])('and the user %j answers 400', async (user) => {
    const { accessKey } = await makeToken('full-access');
    expect((await ask(accessKey, { user })).status).toBe(400);
  });

  it('opens a session that remembers the token and the user', async () => {
    const token = await makeToken('full-access');
    const { session } = await watch(token, site.viewer);
    expect(await site.app.strapi.db.query(SESSION).findOne({ where: { sessionHash: session } })).toMatchObject({
      originKind: 'user',
      originId: String(site.viewer.id),
      apiToken: String(token.id),
      role: 'subscriber',
    });
  });

  it('gets what the policies of the role and of API tokens both allow', async () => {
    const token = await makeToken('full-access');
    await setPolicies(site.app, site.editor, {
      roles: { subscriber: { protocols: ['hls', 'dash'] } },
      apiTokens: { protocols: ['dash', 'mp4'], download: false },
    });
    expect((await watch(token, site.viewer)).grant).toMatchObject({ protocols: ['dash'], download: false });
    await setPolicies(site.app, site.editor, {
      roles: { subscriber: { protocols: ['hls'] } },
      apiTokens: { protocols: ['mp4'] },
    });
    expect(await ask(token.accessKey, { user: site.viewer.id })).toMatchObject({ status: 403, code: 'not-entitled' });
    await setPolicies(site.app, site.editor, { roles: {} });
  });

  const ENDINGS: [string, (token: ApiToken, user: SiteUser) => Promise<unknown>][] = [
    ['the token is deleted', (token) => tokens().revoke(token.id)],
    [
      'the token has expired',
      (token) =>
        site.app.strapi.db
          .query('admin::api-token')
          .update({ where: { id: token.id }, data: { expiresAt: new Date(Date.now() - 1000).toISOString() } }),
    ],
    [
      'the token is no longer full-access',
      (token) =>
        site.app.strapi.db.query('admin::api-token').update({ where: { id: token.id }, data: { type: 'custom' } }),
    ],
    ['the user is blocked', (_token, user) => users().edit(user.id, { blocked: true })],
    ['the user is deleted', (_token, user) => users().remove({ id: user.id })],
    ['the user’s password is changed', (_token, user) => users().edit(user.id, { password: 'Another-passw0rd' })],
  ];

  it.each(ENDINGS)('S8 its sessions end when %s, and no other', async (_name, change) => {
    const [token, other] = [await makeToken('full-access'), await makeToken('full-access')];
    const user = await createSiteUser(site.app, site.role);
    const { sync } = streamerSide(site.app);
    const { session } = await watch(token, user);
    const bystander = (await watch(other, site.viewer)).session;
    await sync([{ session }, { session: bystander }]);
    await change(token, user);
    const { results } = await sync([{ session }, { session: bystander }]);
    expect(results[0]).toEqual({ session, state: 'ended' });
    expect(results[1]).not.toMatchObject({ state: 'ended' });
  });

  it('S8 a change of the token concerns only the sessions that it asked for', async () => {
    const token = await makeToken('full-access');
    const { sync } = streamerSide(site.app);
    const { session } = await watch(token, site.viewer);
    const other = (await watch(await makeToken('full-access'), site.viewer)).session;
    await sync([{ session }, { session: other }]);
    await site.app.strapi.db
      .query('admin::api-token')
      .update({ where: { id: token.id }, data: { description: 'of the kiosk' } });
    expect((await sync([{ session }, { session: other }])).results.map(({ state }) => state)).toEqual([
      'renewed',
      'unchanged',
    ]);
  });
});

describe('POST playback-token that names a user', () => {
  it('answers 403 to a custom API token, which may do no more than itself', async () => {
    const { accessKey } = await makeToken('custom');
    expect(await ask(accessKey)).toMatchObject({ status: 200 });
    expect(await ask(accessKey, { user: site.viewer.id })).toMatchObject({ status: 403, code: 'not-entitled' });
  });

  it('answers 403 to a user, whoever is named', async () => {
    const { jwt, id } = site.viewer;
    expect(await ask(jwt, {})).toMatchObject({ status: 200 });
    for (const user of [id, id + 1]) {
      expect(await ask(jwt, { user })).toMatchObject({ status: 403, code: 'not-entitled' });
    }
  });
});
