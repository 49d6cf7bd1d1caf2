import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { playbackTokenAnswerSchema } from '../../server/contracts';
import { playDash } from '../clients/dash.mjs';
import { playHls } from '../clients/hls.mjs';
import { RtmpClient } from '../clients/rtmp.mjs';
import { walkAddresses } from '../support/exposed-addresses';
import { publishVideo, unpublishVideo, uploadFilm } from '../support/films';
import { rawRequest } from '../support/raw-request';
import { type SiteProcess, startSiteProcess } from '../support/site-process';
import type { AdminAccount } from '../support/strapi-accounts';
import type { StrapiApp } from '../support/strapi-app';
import { FFMPEG } from '../support/tools';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');
const PASSWORD = `Aa1-${randomBytes(12).toString('base64url')}`;

let directory: string;
let storageRoot: string;
let site: SiteProcess;
let siteUrl: string;
let streamerUrl: string;
/** Everything that must be in no log. */
const secrets = new Map<string, string>();

function keep(name: string, secret: string): string {
  secrets.set(`${name} ${secrets.size}`, secret);
  return secret;
}

async function call<T>(method: string, route: string, body?: object, bearer?: string): Promise<T> {
  const response = await fetch(siteUrl + route, {
    method,
    headers: { 'content-type': 'application/json', ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${route} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** Registers the first administrator, as the admin panel of a fresh site does. */
async function registerEditor(): Promise<AdminAccount> {
  const account = { firstname: 'Ed', lastname: 'Itor', email: 'ed@example.test', password: PASSWORD };
  const { data } = await call<{ data: { token: string; user: { id: number } } }>(
    'POST',
    '/admin/register-admin',
    account,
  );
  return { id: data.user.id, email: account.email, password: PASSWORD, token: keep('admin token', data.token) };
}

/** Ticks the playback permission of a role, as the roles editor does. */
async function permitPlayback({ token }: AdminAccount): Promise<void> {
  type Role = { permissions: Record<string, { controllers: Record<string, Record<string, { enabled: boolean }>> }> };
  const { roles } = await call<{ roles: { id: number; type: string }[] }>(
    'GET',
    '/users-permissions/roles',
    undefined,
    token,
  );
  const id = roles.find(({ type }) => type === 'authenticated')?.id;
  const { role } = await call<{ role: Role }>('GET', `/users-permissions/roles/${id}`, undefined, token);
  const action = role.permissions['plugin::protected-vod']?.controllers.playback?.create;
  if (action) action.enabled = true;
  await call('PUT', `/users-permissions/roles/${id}`, role, token);
}

async function registerViewer(): Promise<string> {
  const account = { username: 'viewer', email: 'viewer@example.test', password: PASSWORD };
  return keep('user token', (await call<{ jwt: string }>('POST', '/api/auth/local/register', account)).jwt);
}

/** Sends `head` as it is and leaves with a reset after `ms`. */
async function leave(url: string, head: string, ms: number): Promise<void> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  socket.write(head);
  await delay(ms);
  socket.resetAndDestroy();
}

async function mintFor(video: string, jwt: string) {
  const answer = await call('POST', `/api/protected-vod/videos/${video}/playback-token`, {}, jwt);
  const { data } = playbackTokenAnswerSchema.parse(answer);
  keep('playback token', data.token);
  return data;
}

/** All that a viewer does well, through `base` (Strapi's proxy or the streamer itself). */
async function watch(base: string, video: string, jwt: string): Promise<string> {
  const { token } = await mintFor(video, jwt);
  const redirect = await rawRequest(`${base}/v/${token}/hls/main.m3u8`);
  const session = keep('session id', /ps_[A-Za-z0-9_-]{40}/.exec(redirect.headers.location ?? '')?.[0] ?? '');
  await playHls(`${base}/v/${token}/hls/main.m3u8`);
  await playDash(`${base}/v/${session}/dash/manifest.mpd`);
  for (const resource of ['mp4', 'download']) {
    await rawRequest(`${base}/v/${session}/${resource}`, { headers: { range: 'bytes=0-99999' } });
  }
  return session;
}

const randomToken = (): string => ['a', 'b', 'c'].map(() => randomBytes(40).toString('base64url')).join('.');

/** FLV over HTTP and WebSocket, and RTMP, with what is right, wrong and malformed where the token stands. */
async function stream(base: string, video: string, jwt: string): Promise<void> {
  const { token, urls } = await mintFor(video, jwt);
  const addresses = await walkAddresses(
    { urls: { httpFlv: urls.httpFlv, wsFlv: urls.wsFlv, rtmp: urls.rtmp }, poster: null, storyboard: null },
    streamerUrl,
  );
  expect(addresses.map(({ via }) => via)).toEqual(['http', 'ws', 'rtmp']);
  const forged = keep('forged token', `${token.slice(0, -4)}AAAA`);
  const random = keep('random token', randomToken());
  const wrong = [forged, random, `${token}\u0000`, `${token}%0a`, `ps_${token.slice(3, 43)}`, '%', ''];
  for (const { via, knock } of addresses) {
    for (const credential of wrong) if (via === 'rtmp') await knock(credential);
    for (const credential of [forged, random, `${token}%0a`]) if (via !== 'rtmp') await knock(credential);
    // Redeemed here; FLV over HTTP leads on to the session.
    expect([302, 101, 'NetStream.Play.Start']).toContain((await knock(token)).status);
    await knock(token, {}, keep('name of another stream', randomBytes(12).toString('hex')));
    await knock(token, {}, `../${token}`);
  }
  const mount = new URL(base);
  await rawRequest(`${mount.origin}${mount.pathname.replace(/\/$/, '')}/v/${token}/live.flv?token=${token}`);
  await violateRtmp(urls.rtmp ?? '', token);
}

/** What no player does, with a token in each place where text goes. */
async function violateRtmp(url: string, token: string): Promise<void> {
  const connect = () => RtmpClient.connect({ port: Number(new URL(url).port) });
  const publisher = await connect();
  await publisher.openApp(`vod?token=${token}`, { tcUrl: url, swfUrl: url, pageUrl: url });
  publisher.say(await publisher.createStream(), 'publish', null, token, 'live');
  await publisher.closed;
  const impatient = await connect();
  impatient.say(0, token, { [token]: token });
  impatient.say(0, 'play', null, token);
  await impatient.closed;
}

/** All that goes wrong, by accident or on purpose. */
async function misbehave(base: string, session: string, token: string): Promise<void> {
  const mount = new URL(base).pathname.replace(/\/$/, '');
  for (const credential of [session, token, `${token}x`, token.slice(0, -10)]) {
    for (const rest of [
      '/',
      '/hls/%',
      '/hls/main.m3u8%00',
      '/..%2fmetrics',
      '/hls/none-v1/1.m4s',
      `/${'x'.repeat(5000)}`,
    ]) {
      await rawRequest(`${base}/v/${credential}${rest}`);
    }
    for (const method of ['HEAD', 'OPTIONS', 'POST', 'TRACE'])
      await rawRequest(`${base}/v/${credential}/mp4`, { method });
    await rawRequest(`${base}/v/${credential}/mp4`, { headers: { range: 'bytes=999999999999-' } });
  }
  for (const ms of [0, 2, 5, 10, 50]) {
    await leave(base, `GET ${mount}/v/${session}/mp4 HTTP/1.1\r\nHost: site\r\n\r\n`, ms);
    await leave(base, `GET ${mount}/v/${token}/mp4 HTTP/1.1\r\nHost: site\r\n\r\n`, ms);
    await leave(base, `GET ${mount}/v/${session}/hls/source-v1/1.m4s HTTP/1.1\r\n`, ms);
  }
}

async function uploadInVain({ token }: AdminAccount): Promise<void> {
  const film = { fileName: 'film.mp4', sizeBytes: 50_000 };
  const { data } = await call<{ data: { token: string; endpoint: string } }>(
    'POST',
    '/protected-vod/uploads',
    film,
    token,
  );
  keep('upload token', data.token);
  const headers = { 'tus-resumable': '1.0.0', 'upload-token': data.token };
  const created = await fetch(siteUrl + data.endpoint, {
    method: 'POST',
    headers: { ...headers, 'upload-length': '50000' },
  });
  const lines = Object.entries({ ...headers, 'upload-offset': '0', 'content-length': '50000' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const head = `PATCH ${created.headers.get('location')} HTTP/1.1\r\nHost: site\r\ncontent-type: application/offset+octet-stream\r\n${lines.join('')}\r\n`;
  await leave(siteUrl, `${head}${'x'.repeat(2000)}`, 300);
}

/** Who watches without a role: a guest with a link, a right and a wrong password, and an editor. */
async function invite(video: string, { token }: AdminAccount): Promise<void> {
  const password = keep('guest password', `guest-${randomBytes(12).toString('base64url')}`);
  const wanted = { video, password };
  const { data } = await call<{ data: { link: string } }>('POST', '/protected-vod/guest-links', wanted, token);
  const link = keep('guest link', data.link);
  const wrong = keep('wrong guest password', randomBytes(12).toString('base64url'));
  const unknown = keep('unknown guest link', `gl_${randomBytes(24).toString('base64url')}`);
  const guests = [{ link, password }, { link, password: wrong }, { link: unknown, password }, { link: `${link}x` }];
  const asked = [
    ...guests.map((body) => call('POST', '/api/protected-vod/guest-links/playback-token', body)),
    call('POST', `/protected-vod/videos/${video}/preview-token`, {}, token),
  ];
  const answers = await Promise.allSettled(asked);
  const granted = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  expect(granted).toHaveLength(2);
  for (const answer of granted) {
    const minted = keep('token of an invited one', playbackTokenAnswerSchema.parse(answer).data.token);
    await rawRequest(`${streamerUrl}/v/${minted}/hls/main.m3u8`);
  }
}

/** A poster and a storyboard, where there is an ffmpeg that makes them. */
async function lookAtPictures(video: string, jwt: string): Promise<void> {
  if (!FFMPEG) return;
  await site.when(() => /"kind":"storyboard".*"msg":"job done"/.exec(site.output()));
  const { poster, storyboard } = await mintFor(video, jwt);
  keep('poster credential', /\/v\/([^/]+)\//.exec(poster ?? '')?.[1] ?? '');
  for (const url of [
    poster,
    storyboard,
    poster?.replace('.jpg', '.png'),
    poster?.replace(/.{4}\/poster/, 'AAAA/poster'),
  ]) {
    await fetch(url ?? '');
  }
}

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'protected-vod-logs-'));
  storageRoot = path.join(directory, 'storage');
  const key = keep('app key', randomBytes(32).toString('base64'));
  const config = {
    storage: { root: storageRoot },
    streamer: { logLevel: 'debug' },
    ingest: { mode: 'managed', logLevel: 'debug' },
  };
  const env = { APP_KEYS: key, LOG_LEVEL: 'debug', PROTECTED_VOD_TEST_CONFIG: JSON.stringify(config) };
  site = await startSiteProcess({ env });
  siteUrl = (await site.running()).url;
  const listening = await site.when(() => /"port":(\d+),"opsPort"/.exec(site.output()));
  streamerUrl = `http://127.0.0.1:${listening[1]}`;
  const keys = execFileSync(process.execPath, [CLI, 'secret', 'print', '--role', 'streamer'], {
    env: { APP_KEYS: key },
    cwd: directory,
  });
  const own = execFileSync(process.execPath, [CLI, 'secret', 'print', '--role', 'ingest'], {
    env: { APP_KEYS: key },
    cwd: directory,
  });
  keep('ingest credential', (JSON.parse(String(own)) as { credential: string }).credential);
  keep('streamer credential', (JSON.parse(String(keys)) as { credential: string }).credential);
});

afterAll(async () => {
  await site.dispose();
  await rm(directory, { recursive: true, force: true });
});

it('S21 a whole run, good and bad, leaves no token, session id, key or path in any log, and no stack', async () => {
  const editor = await registerEditor();
  await permitPlayback(editor);
  const viewer = await registerViewer();
  const app = { url: siteUrl } as StrapiApp;
  const source = (await uploadFilm(app, editor)).id;
  const video = await publishVideo(app, editor, { source });
  await lookAtPictures(video, viewer);
  for (const base of [`${siteUrl}/protected-vod/stream`, streamerUrl]) {
    const session = await watch(base, video, viewer);
    await misbehave(base, session, (await mintFor(video, viewer)).token);
    await stream(base, video, viewer);
  }
  await invite(video, editor);
  await uploadInVain(editor);
  await unpublishVideo(app, editor, video);
  await delay(2_000);

  const output = site.output();
  expect(output).toMatch(/POST \/api\/protected-vod\/videos\/\w+\/playback-token/);
  expect(output).toMatch(/POST \/api\/protected-vod\/guest-links\/playback-token/);
  expect(output).toMatch(/"route":"segment".*"status":200/);
  expect(output).toMatch(/"route":"rtmp".*"reason":"token-invalid"/);
  expect(output).toMatch(/"route":"flv".*"status":101/);
  for (const [name, secret] of secrets) expect(output.includes(secret), name).toBe(false);
  expect(output.includes(storageRoot), 'storage root').toBe(false);
  expect(output).not.toMatch(/ps_[A-Za-z0-9_-]{40}|eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\./);
  expect(output.split('\n').filter((line) => /^\s+at .+:\d+:\d+\)?$/.test(line))).toEqual([]);
});
