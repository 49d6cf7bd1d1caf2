import { stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlaybackTokenAnswer } from '../../server/contracts';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { mediaPlaylistUrls, segmentUrls } from '../clients/hls.mjs';
import { CLIP, deleteVideo, publishVideo, unpublishVideo } from '../support/films';
import { freePort } from '../support/free-port';
import { mint } from '../support/minting';
import { type PacedReader, readPaced } from '../support/paced-reader';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { createSiteUser, findSiteRole, type SiteUser } from '../support/strapi-accounts';
import { readHttp, readRtmp, readWebSocket, type StreamReader } from '../support/stream-readers';
import { FFMPEG, repeatFilm } from '../support/tools';
import { uploadFilmByTus } from '../support/tus-upload';
import { unsentBytes } from '../support/unsent-bytes';
import { until } from '../support/until';

const TIMES = 20;
const FILM_SECONDS = 30 * TIMES;
const LIMIT_MS = 2000;

/** When a revocation is committed, and when the streamer's own count of sent bytes last rose after it. */
async function lastByteAfter(opsPort: number, committed: number): Promise<number> {
  let last = committed;
  let before = await bytesSent(opsPort);
  for (const deadline = committed + 3500; Date.now() < deadline; ) {
    await delay(25);
    const now = await bytesSent(opsPort);
    if (now > before) last = Date.now();
    before = now;
  }
  return last - committed;
}

async function bytesSent(opsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  const rows = text.split('\n').filter((line) => /bytes_total\{/.test(line));
  return rows.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function openStreams(opsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  const rows = text.split('\n').filter((line) => line.startsWith('protected_vod_continuous_streams{'));
  return rows.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

type Urls = PlaybackTokenAnswer['data']['urls'];

interface Reading {
  reader: Pick<PacedReader, 'bytes' | 'cutOff'>;
  /** Whether the same viewer is refused by now. */
  isRefused(): Promise<boolean>;
}

describe.skipIf(!FFMPEG)('a 10-minute film, read at its own pace', () => {
  let site: PlaybackSite;
  let source: number;
  let opsPort: number;
  let bytesPerSecond: number;

  beforeAll(async () => {
    opsPort = await freePort();
    site = await startPlaybackSite({ pluginConfig: { streamer: { opsPort } } });
    const film = path.join(site.app.storageRoot, '../long.mp4');
    await repeatFilm(CLIP, TIMES, film);
    bytesPerSecond = (await stat(film)).size / FILM_SECONDS;
    source = (await uploadFilmByTus(site.app, site.editor, film)).id;
  });

  afterAll(() => site?.app.stop());

  const users = () => site.app.strapi.plugin('users-permissions').service('user');
  const sessions = () => site.app.strapi.plugin('protected-vod').service('playback-session').store;

  const changes: Record<string, (user: SiteUser, documentId: string) => Promise<unknown>> = {
    'role withdrawn': async (user) =>
      users().edit(user.id, { role: (await findSiteRole(site.app, 'authenticated')).id }),
    'user blocked': (user) => users().edit(user.id, { blocked: true }),
    'entry unpublished': (_user, documentId) => unpublishVideo(site.app, site.editor, documentId),
    'entry deleted': (_user, documentId) => deleteVideo(site.app, site.editor, documentId),
    'session ended': (_user, documentId) => sessions().endScope({ video: documentId }, 'ended-by-editor'),
  };

  /** The address under the session's own id; the token is redeemed by asking. */
  const settle = async (url = ''): Promise<string> => {
    const answer = await fetch(url, { redirect: 'manual', headers: { 'user-agent': 'paced' } });
    return new URL(answer.headers.get('location') ?? url, url).href;
  };
  const pastProxy = (url: string): string => url.replace(`${site.app.url}/protected-vod/stream`, site.streamerUrl());

  const wsPastProxy = (url = ''): string => pastProxy(url.replace('ws:', 'http:')).replace('http:', 'ws:');

  /** Reads one after another what the first address leads to, and asks for it again afterwards. */
  const readAddresses = (urls: string[]): Reading => ({
    reader: readPaced(urls, bytesPerSecond),
    async isRefused() {
      return (await fetch(urls[0] ?? '', { headers: { 'user-agent': 'paced' } })).status === 403;
    },
  });
  const readStream = async (open: () => Promise<Pick<PacedReader, 'bytes' | 'cutOff'>>): Promise<Reading> => ({
    reader: await open(),
    async isRefused() {
      // Whether it is turned away or refused a handshake, nothing but words comes.
      const again = await open().catch(() => null);
      await again?.cutOff;
      return (again?.bytes() ?? 0) < 8192;
    },
  });

  const readers: Record<string, (urls: Urls) => Promise<Reading>> = {
    async hls(urls) {
      const playlist = await fetchOk(urls.hls ?? '', { 'user-agent': 'paced' });
      const [media = ''] = mediaPlaylistUrls(playlist);
      return readAddresses(segmentUrls(await fetchOk(media, { 'user-agent': 'paced' })));
    },
    mp4: async (urls) => readAddresses([await settle(urls.mp4)]),
    download: async (urls) => readAddresses([await settle(urls.download)]),
    async 'HTTP-FLV'(urls) {
      const address = pastProxy(await settle(urls.httpFlv));
      return readStream(async () => readPaced([address], 4 * bytesPerSecond));
    },
    async 'HTTP-FLV through Strapi'(urls) {
      const address = await settle(urls.httpFlv);
      return readStream(async () => readPaced([address], 4 * bytesPerSecond));
    },
    'WS-FLV': async (urls) => readStream(() => readWebSocket(wsPastProxy(urls.wsFlv))),
    'WS-FLV through Strapi': async (urls) => readStream(() => readWebSocket(urls.wsFlv ?? '')),
    RTMP: async (urls) => readStream(() => readRtmp(urls.rtmp ?? '')),
  };

  // HLS and progressive films come through Strapi as they are; of the streams one change is enough to see that they do.
  const isCase = (change: string, reader: string) => change === 'session ended' || !reader.endsWith('through Strapi');
  const cases = Object.keys(changes).flatMap((change) =>
    Object.keys(readers)
      .filter((reader) => isCase(change, reader))
      .map((reader) => [change, reader] as const),
  );

  it.each(cases)('%s: over %s the last byte leaves within two seconds', async (change, protocol) => {
    const user = await createSiteUser(site.app, site.role);
    const documentId = await publishVideo(site.app, site.editor, { source });
    const { urls } = await mint(site.app, documentId, user.jwt);
    const reading = await readers[protocol]?.(urls);
    if (reading === undefined) throw new Error(`nobody reads over ${protocol}`);
    const { reader, isRefused } = reading;
    await until('bytes flow', () => reader.bytes() > bytesPerSecond);
    await changes[change]?.(user, documentId);
    const committed = Date.now();
    const lastByteMs = await lastByteAfter(opsPort, committed);
    const cutOffMs = (await reader.cutOff) - committed;
    console.log(`${change}, ${protocol}: last byte left after ${lastByteMs} ms, viewer cut off after ${cutOffMs} ms`);
    expect(lastByteMs).toBeLessThanOrEqual(LIMIT_MS);
    expect(await openStreams(opsPort)).toBe(0);
    expect(await isRefused()).toBe(true);
  });

  it('S15 the open response of a reader that reads nothing is closed too', async () => {
    const documentId = await publishVideo(site.app, site.editor, { source });
    const url = await settle((await mint(site.app, documentId, site.viewer.jwt)).urls.download ?? '');
    const response = await fetch(url, { headers: { 'user-agent': 'paced' } });
    const body = response.body?.getReader();
    await body?.read();
    await changes['session ended']?.(site.viewer, documentId);
    const drain = async () => {
      for (;;) if ((await body?.read())?.done) return 'read to the end';
    };
    await expect(drain()).rejects.toThrow();
  });

  /** One that can be stopped, and the port at which it is served. */
  const idlers: Record<string, (urls: Urls) => [string, (url: string) => Promise<StreamReader>]> = {
    RTMP: (urls) => [urls.rtmp ?? '', readRtmp],
    'WS-FLV': (urls) => [wsPastProxy(urls.wsFlv), readWebSocket],
    'WS-FLV through Strapi': (urls) => [urls.wsFlv ?? '', readWebSocket],
    'HTTP-FLV': (urls) => [pastProxy(urls.httpFlv ?? ''), async (url) => readHttp(await settle(url))],
    'HTTP-FLV through Strapi': (urls) => [urls.httpFlv ?? '', async (url) => readHttp(await settle(url))],
  };

  it.each(Object.keys(idlers))('S15 over %s the stream of a reader that reads nothing is closed too', async (name) => {
    const documentId = await publishVideo(site.app, site.editor, { source });
    const { urls } = await mint(site.app, documentId, site.viewer.jwt);
    const [url = '', open] = idlers[name]?.(urls) ?? [];
    const port = Number(new URL(url).port);
    const reader = await open?.(url);
    await until('bytes flow', () => (reader?.bytes() ?? 0) > bytesPerSecond);
    reader?.pause();
    await until('its connection takes no more', async () => (await unsentBytes(port)) > 0);
    await changes['session ended']?.(site.viewer, documentId);
    const lastByteMs = await lastByteAfter(opsPort, Date.now());
    expect(lastByteMs).toBeLessThanOrEqual(LIMIT_MS);
    expect(await openStreams(opsPort)).toBe(0);
    // Gone with a reset: what the system still held is never sent.
    expect(await unsentBytes(port)).toBe(0);
    reader?.resume();
    await reader?.cutOff;
  });
});
