import { stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { mediaPlaylistUrls, segmentUrls } from '../clients/hls.mjs';
import { CLIP, deleteVideo, publishVideo, unpublishVideo } from '../support/films';
import { freePort } from '../support/free-port';
import { mint } from '../support/minting';
import { readPaced } from '../support/paced-reader';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { createSiteUser, findSiteRole, type SiteUser } from '../support/strapi-accounts';
import { FFMPEG, repeatFilm } from '../support/tools';
import { uploadFilmByTus } from '../support/tus-upload';
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

  const readers: Record<string, (user: SiteUser, documentId: string) => Promise<string[]>> = {
    async hls(user, documentId) {
      const playlist = await fetchOk((await mint(site.app, documentId, user.jwt)).urls.hls ?? '', {
        'user-agent': 'paced',
      });
      const [media = ''] = mediaPlaylistUrls(playlist);
      return segmentUrls(await fetchOk(media, { 'user-agent': 'paced' }));
    },
    mp4: async (user, documentId) => [(await mint(site.app, documentId, user.jwt)).urls.mp4 ?? ''],
    download: async (user, documentId) => [(await mint(site.app, documentId, user.jwt)).urls.download ?? ''],
  };

  /** Progressive addresses answer with a redirect, which the paced reader does not follow. */
  const settle = async (url: string): Promise<string> => {
    const answer = await fetch(url, { redirect: 'manual', headers: { 'user-agent': 'paced' } });
    return new URL(answer.headers.get('location') ?? url, url).href;
  };

  const cases = Object.keys(changes).flatMap((change) =>
    Object.keys(readers).map((reader) => [change, reader] as const),
  );

  it.each(cases)('%s: over %s the last byte leaves within two seconds', async (change, protocol) => {
    const user = await createSiteUser(site.app, site.role);
    const documentId = await publishVideo(site.app, site.editor, { source });
    const addresses = (await readers[protocol]?.(user, documentId)) ?? [];
    const urls = addresses.length === 1 ? [await settle(addresses[0] ?? '')] : addresses;
    const reader = readPaced(urls, bytesPerSecond);
    await until('bytes flow', () => reader.bytes() > bytesPerSecond);
    await changes[change]?.(user, documentId);
    const committed = Date.now();
    const lastByteMs = await lastByteAfter(opsPort, committed);
    const cutOffMs = (await reader.cutOff) - committed;
    console.log(`${change}, ${protocol}: last byte left after ${lastByteMs} ms, viewer cut off after ${cutOffMs} ms`);
    expect(lastByteMs).toBeLessThanOrEqual(LIMIT_MS);
    expect((await fetch(urls[0] ?? '', { headers: { 'user-agent': 'paced' } })).status).toBe(403);
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
});
