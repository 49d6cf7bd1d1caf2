import { stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlaybackTokenAnswer } from '../../server/contracts';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { mediaPlaylistUrls, segmentUrls } from '../clients/hls.mjs';
import { CLIP, publishVideo } from '../support/films';
import { freePort } from '../support/free-port';
import { lastServedAt, watchCounters } from '../support/last-bytes';
import { mint } from '../support/minting';
import { type PacedReader, readPaced } from '../support/paced-reader';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { COURSE_RULE, createWatcher, mintBefore, REVOKING_CHANGES, revokingChanges } from '../support/revoking-changes';
import { readHttp, readRtmp, readWebSocket, type StreamReader } from '../support/stream-readers';
import { FFMPEG, repeatFilm } from '../support/tools';
import { uploadFilmByTus } from '../support/tus-upload';
import { unsentBytes } from '../support/unsent-bytes';
import { until } from '../support/until';

const TIMES = 20;
const FILM_SECONDS = 30 * TIMES;
const LIMIT_MS = 2000;

const THROUGH_STRAPI = / through Strapi$/;

/** As the streamer counts it. */
const protocolOf = (reader: string): string => reader.replace(THROUGH_STRAPI, '').toLowerCase();

type Urls = PlaybackTokenAnswer['data']['urls'];

interface Reading {
  reader: Pick<PacedReader, 'bytes' | 'cutOff'>;
  /** Of a viewer who comes for one segment after another, and would not come for the next within two seconds. */
  lastByteAt?: () => Promise<number>;
  /** Whether the same viewer is refused by now. */
  isRefused(): Promise<boolean>;
}

describe.skipIf(!FFMPEG)('a 10-minute film, read at its own pace', () => {
  let site: PlaybackSite;
  let source: number;
  let streamer: ReturnType<typeof watchCounters>;
  let bytesPerSecond: number;
  let changes: ReturnType<typeof revokingChanges>;

  beforeAll(async () => {
    const opsPort = await freePort();
    site = await startPlaybackSite({ pluginConfig: { rules: [COURSE_RULE], streamer: { opsPort } } });
    changes = revokingChanges(site);
    streamer = watchCounters(opsPort);
    const film = path.join(site.app.storageRoot, '../long.mp4');
    await repeatFilm(CLIP, TIMES, film);
    bytesPerSecond = (await stat(film)).size / FILM_SECONDS;
    source = (await uploadFilmByTus(site.app, site.editor, film)).id;
  });

  afterAll(async () => {
    await streamer?.stop();
    await site?.app.stop();
  });

  const endSessions = (video: string) =>
    site.app.strapi.plugin('protected-vod').service('playback-session').store.endScope({ video }, 'ended-by-editor');

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
      const segments = segmentUrls(await fetchOk(media, { 'user-agent': 'paced' }));
      return { ...readAddresses(segments), lastByteAt: () => lastServedAt(segments.at(-1)) };
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
  const proxied = Object.keys(readers).filter((name) => THROUGH_STRAPI.test(name));
  const direct = Object.keys(readers).filter((name) => !proxied.includes(name));

  async function expectEnd(name: string, change: keyof typeof changes): Promise<void> {
    const { prepare, make } = changes[change];
    const watcher = await createWatcher(site, await publishVideo(site.app, site.editor, { source }));
    await prepare?.(watcher);
    const { urls } = await mintBefore(site, changes[change], watcher);
    const reading = await readers[name]?.(urls);
    if (reading === undefined) throw new Error(`nobody reads over ${name}`);
    const { reader, isRefused } = reading;
    await until('bytes flow', () => reader.bytes() > bytesPerSecond);
    const asked = Date.now();
    await make(watcher);
    const committed = Date.now();
    const protocol = protocolOf(name);
    const lastByteAt = await (reading.lastByteAt?.() ?? streamer.lastByteAt(protocol, committed));
    const lastByteMs = lastByteAt - committed;
    const cutOffMs = (await reader.cutOff) - committed;
    console.log(`${change}, ${name}: last byte left after ${lastByteMs} ms, viewer cut off after ${cutOffMs} ms`);
    // One response was open, and is counted.
    expect(lastByteAt).toBeGreaterThanOrEqual(asked);
    expect(lastByteMs).toBeLessThanOrEqual(LIMIT_MS);
    expect(streamer.hasOpenStream(protocol)).toBe(false);
    expect(await isRefused()).toBe(true);
  }

  const rounds = REVOKING_CHANGES.map((change) => [change, direct] as const);

  describe.each([...rounds, ['session ended', proxied] as const])('%s', (change, names) => {
    // At once, each with a user, a role and an entry of its own: they are told apart by the protocol.
    it.concurrent.each(names)('over %s the last byte leaves within two seconds', (name) => expectEnd(name, change));
  });

  it('S15 the open response of a reader that reads nothing is closed too', async () => {
    const documentId = await publishVideo(site.app, site.editor, { source });
    const url = await settle((await mint(site.app, documentId, site.viewer.jwt)).urls.download ?? '');
    const response = await fetch(url, { headers: { 'user-agent': 'paced' } });
    const body = response.body?.getReader();
    await body?.read();
    await endSessions(documentId);
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
    await endSessions(documentId);
    const protocol = protocolOf(name);
    const committed = Date.now();
    const lastByteMs = (await streamer.lastByteAt(protocol, committed)) - committed;
    expect(lastByteMs).toBeLessThanOrEqual(LIMIT_MS);
    expect(streamer.hasOpenStream(protocol)).toBe(false);
    // Gone with a reset, through Strapi a moment after the streamer: what the system still held is never sent.
    await until('what was not sent is gone', async () => (await unsentBytes(port)) === 0);
    reader?.resume();
    await reader?.cutOff;
  });
});
