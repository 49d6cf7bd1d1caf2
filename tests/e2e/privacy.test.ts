import { createDecipheriv, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { mediaPlaylistUrls, segmentKeys, segmentUrls } from '../clients/hls.mjs';
import { type ExposedAddress, type Knock, walkAddresses } from '../support/exposed-addresses';
import { CLIP, publishVideo, unpublishVideo, uploadFilm } from '../support/films';
import { workerSide } from '../support/ingest-worker';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { rawRequest } from '../support/raw-request';
import { createSiteUser, findSiteRole, grantPermission, type SiteUser } from '../support/strapi-accounts';
import { FFMPEG, packetHashes } from '../support/tools';
import { until } from '../support/until';

const POSTER = 'poster.jpg';
const STRANGER = { from: '127.0.7.7', headers: { 'user-agent': 'stranger' } };

let site: PlaybackSite;
let video: string;
let otherVideo: string;
/** Every address that the film exposes: over HTTP, WebSocket and RTMP. */
let addresses: ExposedAddress[];
/** What follows the credential in those over HTTP. */
let resources: string[];
let answer: Awaited<ReturnType<typeof mint>>;

/** As a worker delivers poster and storyboard; what is in the pictures makes no difference here. */
const PICTURES = 'WEBVTT\n\n00:00.000 --> 00:01.000\nstoryboard.jpg#xywh=0,0,1,1\n';

/** As an editor uploads them. */
async function addTexts(): Promise<void> {
  const [asset] = await site.app.strapi.db.query('plugin::protected-vod.asset').findMany({});
  const texts = site.app.strapi.plugin('protected-vod').service('text-tracks');
  const bytes = Buffer.from('WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n');
  for (const kind of ['subtitles', 'chapters']) {
    await texts.add(asset.documentId, { kind, language: 'en', label: kind, default: true }, bytes);
  }
}

const credentialOf = (url: string): string => /\/v\/([^/]+)\//.exec(url)?.[1] ?? '';
const address = (credential: string, resource: string) => `${site.streamerUrl()}/v/${credential}/${resource}`;

async function tokenFor(documentId = video, user: SiteUser = site.viewer): Promise<string> {
  return (await mint(site.app, documentId, user.jwt)).token;
}

/** Opens a session and returns its id. */
async function sessionFor(documentId = video, user: SiteUser = site.viewer): Promise<string> {
  const answer = await rawRequest(address(await tokenFor(documentId, user), 'hls/main.m3u8'));
  expect(answer.status).toBe(302);
  return /ps_[A-Za-z0-9_-]{40}/.exec(answer.headers.location ?? '')?.[0] ?? '';
}

/** RTMP has one word for every refusal. */
const refusalOf = (status: number, { via }: ExposedAddress) => (via === 'rtmp' ? 'NetStream.Play.Failed' : status);

async function expectRefused(credential: string, status: number, knock: Knock = {}, named = video): Promise<void> {
  const bodies = new Map<string, Set<string>>();
  for (const exposed of addresses) {
    const answer = await exposed.knock(credential, knock, named);
    expect(`${exposed.name} ${answer.status}`).toBe(`${exposed.name} ${refusalOf(status, exposed)}`);
    expect(answer.location, exposed.name).toBeUndefined();
    expect(answer.mediaBytes, exposed.name).toBe(0);
    expect(answer.body.byteLength, exposed.name).toBeLessThan(200);
    const kind = exposed.via === 'rtmp' ? 'rtmp' : 'http';
    bodies.set(kind, (bodies.get(kind) ?? new Set()).add(answer.body.toString('latin1')));
  }
  expect([...bodies.values()].map(({ size }) => size)).toEqual([1, 1]);
}

async function untilRefused(credential: string): Promise<void> {
  // What is under way when the session ends is cut (S15), and tells nothing of what the next request gets.
  const status = () =>
    rawRequest(address(credential, 'hls/main.m3u8')).then(
      (answer) => answer.status,
      (error: NodeJS.ErrnoException) => error.code,
    );
  await until('the session is refused', async () => {
    const answered = await status();
    if (answered === 'ECONNRESET' || answered === 200) return false;
    expect(answered).toBe(403);
    return true;
  });
}

beforeAll(async () => {
  site = await startPlaybackSite({
    pluginConfig: { token: { lifetimeSeconds: 5 }, hls: { encryption: 'aes-128', segmentsPerKey: 2 } },
  });
  const source = (await uploadFilm(site.app, site.editor)).id;
  video = await publishVideo(site.app, site.editor, { source });
  otherVideo = await publishVideo(site.app, site.editor, { source, downloadable: false });
  await workerSide(site.app).finishAll(PICTURES);
  await addTexts();
  answer = await mint(site.app, video, site.viewer.jwt);
  addresses = await walkAddresses(answer, site.streamerUrl());
  resources = addresses.filter(({ via }) => via === 'http').map(({ name }) => name);
});

afterAll(() => site.app.stop());

describe('S14 every address that a film exposes', () => {
  it('is found by walking: playlists, segments, keys, pictures, texts, progressive, download, FLV over HTTP and WebSocket, RTMP', () => {
    const names = addresses.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(20);
    for (const kind of [
      /main\.m3u8$/,
      /media\.m3u8$/,
      /manifest\.mpd$/,
      /init\.mp4$/,
      /1\.m4s$/,
      /key\/2\.key$/,
      /^mp4$/,
      /^download$/,
      /^live\.flv$/,
      /^ws live\.flv$/,
      /^rtmp$/,
      /^poster\.jpg$/,
      /^storyboard\.vtt$/,
      /^storyboard\.jpg$/,
      /^text\/[0-9a-f]{8}\.vtt$/,
      /^hls\/text\/[0-9a-f]{8}\/media\.m3u8$/,
      /^hls\/text\/[0-9a-f]{8}\/1\.vtt$/,
      /^chapters\.vtt$/,
    ]) {
      expect(
        names.some((name) => kind.test(name)),
        String(kind),
      ).toBe(true);
    }
  });

  it('is served with the right session', async () => {
    const session = await sessionFor();
    for (const { name, via, isMedia, knock } of addresses) {
      const { status, mediaBytes } = await knock(session, { headers: { range: 'bytes=0-99' } });
      const served = { http: [200, 206], ws: [101], rtmp: ['NetStream.Play.Start'] }[via];
      expect(served, name).toContain(status);
      if (isMedia) expect(mediaBytes, name).toBeGreaterThan(0);
    }
  });

  it('is served in place with the right token where a client cannot follow a redirect', async () => {
    const inPlace = addresses.filter(({ via }) => via !== 'http');
    expect(inPlace.map(({ via }) => via).sort()).toEqual(['rtmp', 'ws']);
    for (const { knock } of inPlace) expect((await knock(await tokenFor())).mediaBytes).toBeGreaterThan(0);
  });

  it('leads the right token to the session with a relative address, and serves no byte itself', async () => {
    const token = await tokenFor();
    for (const resource of resources.filter((name) => name !== POSTER)) {
      const answer = await rawRequest(address(token, resource));
      expect(answer.status).toBe(302);
      expect(answer.headers.location).toMatch(/^(\.\.\/)+ps_/);
      expect(new URL(answer.headers.location ?? '', address(token, resource)).pathname).toContain(`/${resource}`);
      expect(answer.body.byteLength).toBe(0);
    }
  });

  it('shows the poster under a credential of its own, which opens nothing else; no token is spent on it', async () => {
    const credential = credentialOf(answer.poster ?? '');
    for (const { name, knock } of addresses) {
      const { status, mediaBytes } = await knock(credential);
      const isShown = name === POSTER;
      expect(`${name} ${mediaBytes > 0}`).toBe(`${name} ${isShown}`);
      expect([200, 403, 'NetStream.Play.Failed'].indexOf(status), name).toBe(isShown ? 0 : name === 'rtmp' ? 2 : 1);
    }
    const token = await tokenFor();
    expect((await rawRequest(address(token, POSTER))).status).toBe(403);
    expect((await rawRequest(address(token, 'hls/main.m3u8'))).status).toBe(302);
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
    await expectRefused(session, 403, {}, entry);
    await expectRefused(token, 403, {}, entry);
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

describe('the encrypted segments of a session', () => {
  /** The first key and segment of the first track, and the same segment as DASH has it. */
  async function firstSegment() {
    const session = await sessionFor();
    const [list = ''] = mediaPlaylistUrls(await fetchOk(address(session, 'hls/main.m3u8')));
    const playlist = await fetchOk(list);
    const [key] = segmentKeys(playlist);
    const [, url = ''] = segmentUrls(playlist);
    const bytes = async (from: string) => (await fetchOk(from)).bytes;
    const clear = await bytes(url.replace('/hls/', '/dash/'));
    return { clear, sent: await bytes(url), key: await bytes(key?.url ?? ''), iv: key?.iv ?? Buffer.alloc(16) };
  }

  it('differ from those of any other session, and are garbage under its key', async () => {
    const [mine, theirs] = [await firstSegment(), await firstSegment()];
    expect(mine.clear.equals(theirs.clear)).toBe(true);
    expect(mine.sent.equals(theirs.sent)).toBe(false);
    expect(mine.key.equals(theirs.key)).toBe(false);
    const own = createDecipheriv('aes-128-cbc', mine.key, mine.iv);
    expect(Buffer.concat([own.update(mine.sent), own.final()]).equals(mine.clear)).toBe(true);
    const other = createDecipheriv('aes-128-cbc', theirs.key, mine.iv).setAutoPadding(false);
    expect(other.update(mine.sent).includes('moof')).toBe(false);
  });

  it.skipIf(!FFMPEG)('give ffmpeg 720 of 720 pictures, each identical to the source’s', async () => {
    const played = await packetHashes((await mint(site.app, video, site.viewer.jwt)).urls.hls ?? '');
    expect(played).toHaveLength(720);
    expect(played).toEqual(await packetHashes(CLIP));
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

  it('S14 RTMP refuses the stream name that the token does not name, to token and session alike', async () => {
    const rtmp = addresses.find(({ via }) => via === 'rtmp');
    for (const credential of [await tokenFor(otherVideo), await sessionFor(otherVideo)]) {
      expect(await rtmp?.knock(credential, {}, video)).toMatchObject({
        status: 'NetStream.Play.Failed',
        mediaBytes: 0,
      });
      expect((await rtmp?.knock(credential, {}, otherVideo))?.mediaBytes).toBeGreaterThan(0);
    }
  });

  it('S14 RTMP refuses a stream that does not exist as it refuses one that does', async () => {
    const rtmp = addresses.find(({ via }) => via === 'rtmp');
    const refusals = [await rtmp?.knock(await tokenFor(), {}, otherVideo), await rtmp?.knock('garbage', {}, 'nothing')];
    expect(refusals[0]).toEqual(refusals[1]);
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

  it('GraphQL knows videos and nothing else of the plugin, and changes none', async () => {
    const query = '{ __schema { queryType { fields { name } } mutationType { fields { name } } } }';
    const headers = { 'content-type': 'application/json' };
    const schema = JSON.stringify(
      await json(fetch(`${site.app.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })),
    );
    const names = [...schema.matchAll(/"(\w*protectedVod\w*)"/gi)].map(([, name]) => name);
    expect(names.toSorted()).toEqual(['protectedVodVideo', 'protectedVodVideos', 'protectedVodVideos_connection']);
  });
});
