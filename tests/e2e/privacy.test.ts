import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { representationUrls } from '../clients/dash.mjs';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { mediaPlaylistUrls, segmentUrls } from '../clients/hls.mjs';
import { publishVideo, unpublishVideo, uploadFilm } from '../support/films';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { rawRequest } from '../support/raw-request';
import { createSiteUser, findSiteRole, grantPermission, type SiteUser } from '../support/strapi-accounts';
import { until } from '../support/until';

const STRANGER = { from: '127.0.7.7', headers: { 'user-agent': 'stranger' } };

let site: PlaybackSite;
let video: string;
let otherVideo: string;
/** What follows the credential in every address that the film exposes. */
let resources: string[];

/** Every address that token answer, playlists and manifest expose, found by walking them. */
async function walk(urls: { hls: string; dash: string; mp4: string; download: string }): Promise<string[]> {
  const multivariant = await fetchOk(urls.hls);
  const mediaPlaylists = mediaPlaylistUrls(multivariant);
  const segments = [];
  for (const address of mediaPlaylists) segments.push(...segmentUrls(await fetchOk(address)));
  const manifest = await fetchOk(urls.dash.replace(/\/v\/[^/]+\//, `/v/${credentialOf(multivariant.url)}/`));
  const found = [
    multivariant.url,
    ...mediaPlaylists,
    ...segments,
    manifest.url,
    ...representationUrls(manifest).flat(),
  ];
  return [...new Set([...found, urls.mp4, urls.download].map((url) => url.replace(/^.*\/v\/[^/]+\//, '')))];
}

const credentialOf = (url: string): string => /\/v\/([^/]+)\//.exec(url)?.[1] ?? '';
const address = (credential: string, resource: string) => `${site.streamerUrl()}/v/${credential}/${resource}`;
const isMedia = (resource: string) => /\.m4s$|init\.mp4$|^mp4$|^download$/.test(resource);

async function tokenFor(documentId = video, user: SiteUser = site.viewer): Promise<string> {
  return (await mint(site.app, documentId, user.jwt)).token;
}

/** Opens a session and returns its id. */
async function sessionFor(documentId = video, user: SiteUser = site.viewer): Promise<string> {
  const answer = await rawRequest(address(await tokenFor(documentId, user), 'hls/main.m3u8'));
  expect(answer.status).toBe(302);
  return /ps_[A-Za-z0-9_-]{40}/.exec(answer.headers.location ?? '')?.[0] ?? '';
}

async function expectRefused(credential: string, status: number, options = {}): Promise<void> {
  const bodies = new Set<string>();
  for (const resource of resources) {
    const answer = await rawRequest(address(credential, resource), options);
    expect(`${resource} ${answer.status}`).toBe(`${resource} ${status}`);
    expect(answer.headers.location, resource).toBeUndefined();
    expect(answer.body.byteLength, resource).toBeLessThan(200);
    bodies.add(answer.body.toString('latin1'));
  }
  expect(bodies.size).toBe(1);
}

async function untilRefused(credential: string): Promise<void> {
  await until(
    'the session is refused',
    async () => (await rawRequest(address(credential, 'hls/main.m3u8'))).status === 403,
  );
}

beforeAll(async () => {
  site = await startPlaybackSite({ pluginConfig: { token: { lifetimeSeconds: 5 } } });
  const source = (await uploadFilm(site.app, site.editor)).id;
  video = await publishVideo(site.app, site.editor, { source });
  otherVideo = await publishVideo(site.app, site.editor, { source, downloadable: false });
  const { urls } = await mint(site.app, video, site.viewer.jwt);
  resources = await walk(urls as { hls: string; dash: string; mp4: string; download: string });
});

afterAll(() => site.app.stop());

describe('S14 every address that a film exposes', () => {
  it('is found by walking: playlists, init segments, segments, progressive and download', () => {
    expect(resources.length).toBeGreaterThan(20);
    for (const kind of [
      /main\.m3u8$/,
      /media\.m3u8$/,
      /manifest\.mpd$/,
      /init\.mp4$/,
      /1\.m4s$/,
      /^mp4$/,
      /^download$/,
    ]) {
      expect(
        resources.some((resource) => kind.test(resource)),
        String(kind),
      ).toBe(true);
    }
  });

  it('is served with the right session', async () => {
    const session = await sessionFor();
    for (const resource of resources) {
      const { status } = await rawRequest(address(session, resource), { headers: { range: 'bytes=0-99' } });
      expect(`${resource} ${status}`).toBe(`${resource} ${isMedia(resource) ? 206 : status}`);
      expect([200, 206]).toContain(status);
    }
  });

  it('leads the right token to the session with a relative address, and serves no byte itself', async () => {
    const token = await tokenFor();
    for (const resource of resources) {
      const answer = await rawRequest(address(token, resource));
      expect(answer.status).toBe(302);
      expect(answer.headers.location).toMatch(/^(\.\.\/)+ps_/);
      expect(new URL(answer.headers.location ?? '', address(token, resource)).pathname).toContain(`/${resource}`);
      expect(answer.body.byteLength).toBe(0);
    }
  });

  it('answers 401 without a credential', () => expectRefused('', 401));
  it('answers 403 to garbage', () => expectRefused('garbage', 403));
  it('answers 403 to a random token of the right shape', () =>
    expectRefused(['a', 'b', 'c'].map(() => randomBytes(40).toString('base64url')).join('.'), 403));
  it('answers 403 to a random session id of the right shape', () =>
    expectRefused(`ps_${randomBytes(30).toString('base64url')}`, 403));

  it('answers 403 to a forged token', async () => {
    const [header, payload = '', signature] = (await tokenFor()).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, vid: otherVideo })).toString('base64url');
    await expectRefused(`${header}.${forged}.${signature}`, 403);
  });

  it('S11 answers 403 to a token that expired unused', async () => {
    const token = await tokenFor();
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    await until('the token has expired', () => Date.now() > (exp + 1) * 1000);
    await expectRefused(token, 403);
  });

  it('answers 403 to an ended session', async () => {
    const session = await sessionFor();
    const { store } = site.app.strapi.plugin('protected-vod').service('playback-session');
    await store.endScope({ video }, 'ended-by-editor');
    await untilRefused(session);
    await expectRefused(session, 403);
  });

  it('answers 403 after the role was withdrawn, to session and unused token alike', async () => {
    const user = await createSiteUser(site.app, site.role);
    const [session, token] = [await sessionFor(video, user), await tokenFor(video, user)];
    const member = await findSiteRole(site.app, 'authenticated');
    await site.app.strapi.plugin('users-permissions').service('user').edit(user.id, { role: member.id });
    await untilRefused(session);
    await expectRefused(session, 403);
    await expectRefused(token, 403);
  });

  it('answers 403 after the entry was unpublished, to session and unused token alike', async () => {
    const source = (await uploadFilm(site.app, site.editor)).id;
    const entry = await publishVideo(site.app, site.editor, { source });
    const [session, token] = [await sessionFor(entry), await tokenFor(entry)];
    await unpublishVideo(site.app, site.editor, entry);
    await untilRefused(session);
    await expectRefused(session, 403);
    await expectRefused(token, 403);
  });

  it('S11 answers 403 to a second client, with the session and with the token', async () => {
    const token = await tokenFor();
    const session = credentialOf(
      new URL(
        (await rawRequest(address(token, 'hls/main.m3u8'))).headers.location ?? '',
        address(token, 'hls/main.m3u8'),
      ).href,
    );
    await rawRequest(address(session, 'hls/main.m3u8'));
    await expectRefused(session, 403, STRANGER);
    await expectRefused(token, 403, STRANGER);
  });

  it('S11 HEAD and OPTIONS redeem nothing', async () => {
    const count = () => site.app.strapi.db.query('plugin::protected-vod.playback-session').count();
    const [token, before] = [await tokenFor(), await count()];
    for (const resource of resources) {
      expect((await rawRequest(address(token, resource), { method: 'HEAD' })).status).toBe(403);
      expect((await rawRequest(address(token, resource), { method: 'OPTIONS' })).status).toBe(204);
    }
    expect(await count()).toBe(before);
  });
});

describe('with the token of another video', () => {
  it('the session plays the video that the token names, with that video’s rights', async () => {
    const session = await sessionFor(otherVideo);
    const sessions = site.app.strapi.db.query('plugin::protected-vod.playback-session');
    expect(await sessions.findMany({ where: { video: otherVideo } })).toHaveLength(1);
    // The other entry gives no download: a right does not follow the film's bytes.
    expect((await rawRequest(address(session, 'download'))).status).toBe(403);
    expect((await rawRequest(address(session, 'hls/main.m3u8'))).status).toBe(200);
  });
});

/** Every text of an answer that could be an address of this site. */
function addressesIn(value: unknown): string[] {
  if (typeof value === 'string') return /^(\/|https?:)/.test(value) ? [value] : [];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(addressesIn) : [];
}

describe('what the CMS shows of a protected film', () => {
  const asAdmin = () => ({ authorization: `Bearer ${site.editor.token}` });
  const asViewer = () => ({ authorization: `Bearer ${site.viewer.jwt}` });
  const json = async (response: Promise<Response>): Promise<unknown> => (await response).json();

  const graphql = async (): Promise<unknown> => {
    const query = `{ protectedVodVideos { documentId source { url previewUrl provider formats } } }`;
    const headers = { ...asViewer(), 'content-type': 'application/json' };
    return json(fetch(`${site.app.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) }));
  };

  const views: Record<string, () => Promise<unknown>> = {
    'the Media Library': () => json(fetch(`${site.app.url}/upload/files`, { headers: asAdmin() })),
    'the Content Manager': () =>
      json(
        fetch(`${site.app.url}/content-manager/collection-types/plugin::protected-vod.video/${video}`, {
          headers: asAdmin(),
        }),
      ),
    REST: () =>
      json(fetch(`${site.app.url}/api/protected-vod/videos/${video}?populate=source`, { headers: asViewer() })),
    'REST for uploaded files': () => json(fetch(`${site.app.url}/api/upload/files`, { headers: asViewer() })),
    GraphQL: graphql,
  };

  beforeAll(async () => {
    const actions = ['protected-vod.video.find', 'protected-vod.video.findOne', 'upload.content-api.find'];
    for (const action of actions) await grantPermission(site.app, site.role, `plugin::${action}`);
  });

  it.each(Object.keys(views))('%s names no address that plays', async (name) => {
    const shown = addressesIn(await views[name]?.());
    expect(shown.length).toBeGreaterThan(0);
    for (const url of shown) {
      for (const headers of [asAdmin(), asViewer(), {}]) {
        expect((await fetch(new URL(url, site.app.url), { headers })).status, url).toBe(404);
      }
    }
  });

  it.each(Object.keys(views))('%s tells no storage key and no hash', async (name) => {
    const [asset] = await site.app.strapi.db.query('plugin::protected-vod.asset').findMany({});
    const text = JSON.stringify(await views[name]?.());
    for (const secret of [asset.storageKey, asset.sha256, site.app.storageRoot]) expect(text).not.toContain(secret);
  });

  it('GraphQL knows neither assets nor sessions, and changes no video', async () => {
    const query = '{ __schema { queryType { fields { name } } mutationType { fields { name } } } }';
    const headers = { 'content-type': 'application/json' };
    const schema = JSON.stringify(
      await json(fetch(`${site.app.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })),
    );
    expect(schema).toContain('"protectedVodVideos"');
    expect(schema).not.toMatch(/"protectedVod(Asset|PlaybackSession)|"(create|update|delete)ProtectedVod/);
  });
});
