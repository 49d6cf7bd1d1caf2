import { stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { mediaPlaylistUrls, segmentUrls } from '../clients/hls.mjs';
import { CLIP, publishVideo } from '../support/films';
import { freePort } from '../support/free-port';
import { lastServedAt, watchCounters } from '../support/last-bytes';
import { type Listing, listByGraphql, listByRest, playbackOf } from '../support/listed-playback';
import { readPaced } from '../support/paced-reader';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { readmeBlock, readmeConfig, runReadmeCode } from '../support/readme-example';
import { createSiteUser, grantPermission, type SiteUser } from '../support/strapi-accounts';
import { FFMPEG, repeatFilm } from '../support/tools';
import { uploadFilmByTus } from '../support/tus-upload';
import { until } from '../support/until';

const TIMES = 5;
const FILM_SECONDS = 30 * TIMES;
const LIMIT_MS = 2000;
const AGENT = { 'user-agent': 'paced' };

const CONFIG = '// config/plugins.ts → protected-vod → config';
const PAID = '// the payment has arrived';
const REFUNDED = '// the money goes back';
const REST = '# what may I watch?';
const GRAPHQL = '# what may I watch, in GraphQL?';

const orderSchema = z.looseObject({ documentId: z.string() });

describe.skipIf(!FFMPEG)('the course shop of the README', () => {
  let site: PlaybackSite;
  let streamer: ReturnType<typeof watchCounters>;
  let bytesPerSecond: number;
  let course: { documentId: string };
  let video: string;
  /** In no course. */
  let trailer: string;

  beforeAll(async () => {
    const opsPort = await freePort();
    site = await startPlaybackSite({ pluginConfig: { ...readmeConfig(CONFIG), streamer: { opsPort } } });
    const { app, editor, role } = site;
    for (const action of ['api::course.course.find', 'plugin::protected-vod.video.find']) {
      await grantPermission(app, role, action);
    }
    streamer = watchCounters(opsPort);
    const film = path.join(app.storageRoot, '../long.mp4');
    await repeatFilm(CLIP, TIMES, film);
    bytesPerSecond = (await stat(film)).size / FILM_SECONDS;
    const source = (await uploadFilmByTus(app, editor, film)).id;
    [video, trailer] = [await publishVideo(app, editor, { source }), await publishVideo(app, editor, { source })];
    const courses = app.strapi.documents('api::course.course' as never);
    course = await courses.create({ data: { title: 'Baking', videos: [video] } as never, status: 'published' });
  });

  afterAll(async () => {
    await streamer?.stop();
    await site?.app.stop();
  });

  const restPath = () => /^GET \/api\/(.+)$/m.exec(readmeBlock(REST))?.[1] ?? '';
  const lists: Record<string, (user: SiteUser) => Promise<Listing>> = {
    REST: (user) => listByRest(site.app, restPath(), user.jwt),
    GraphQL: (user) => listByGraphql(site.app, readmeBlock(GRAPHQL), user.jwt),
  };

  const buy = async (user: SiteUser) =>
    orderSchema.parse(await runReadmeCode(PAID, { strapi: site.app.strapi, user, course }, 'order'));
  const refund = (order: { documentId: string }) => runReadmeCode(REFUNDED, { strapi: site.app.strapi, order });

  /** The course's only video, as both lists show it. */
  async function listed(user: SiteUser) {
    const answers = await Promise.all(Object.values(lists).map((list) => list(user)));
    return answers.map(({ videos }) => {
      const [only, ...others] = videos;
      expect(others).toEqual([]);
      return { ...only, documentId: only?.documentId ?? video };
    });
  }

  it('who has not bought sees the course, and no way to play it', async () => {
    const user = await createSiteUser(site.app, site.role);
    const refused = { playback: null, playbackRefusal: 'not-entitled' };
    expect(await listed(user)).toMatchObject([refused, refused]);
    const open = await listByRest(
      site.app,
      `protected-vod/videos?filters[documentId]=${trailer}&playback=true`,
      user.jwt,
    );
    expect(open.videos).toMatchObject([{ playback: {}, playbackRefusal: null }]);
  });

  const addressesOf = {
    async hls(url: string) {
      const [media = ''] = mediaPlaylistUrls(await fetchOk(url, AGENT));
      return segmentUrls(await fetchOk(media, AGENT));
    },
    async mp4(url: string) {
      const answer = await fetch(url, { redirect: 'manual', headers: AGENT });
      return [new URL(answer.headers.get('location') ?? '', url).href];
    },
  };

  /** Plays over both protocols at once, in the one session that a token opens. */
  async function play(urls: Record<string, string | null>) {
    const hls = await addressesOf.hls(urls.hls ?? '');
    const mp4 = await addressesOf.mp4(urls.mp4 ?? '');
    const readers = [hls, mp4].map((addresses) => readPaced(addresses, bytesPerSecond));
    for (const reader of readers) await until('it plays', () => reader.bytes() > bytesPerSecond);
    return {
      lastBytesAt: (committed: number) =>
        Promise.all([lastServedAt(hls.at(-1)), streamer.lastByteAt('mp4', committed)]),
      cutOff: () => Promise.all(readers.map((reader) => reader.cutOff)),
    };
  }

  it.each(Object.keys(lists))(
    '%s lists what was bought, it plays, and after the refund it ends within two seconds',
    async (list) => {
      const user = await createSiteUser(site.app, site.role);
      const order = await buy(user);
      const [bought] = (await lists[list]?.(user))?.videos ?? [];
      const playing = await play(bought?.playback?.urls ?? {});
      const asked = Date.now();
      await refund(order);
      const committed = Date.now();
      for (const last of await playing.lastBytesAt(committed)) {
        expect(last).toBeGreaterThanOrEqual(asked);
        expect(last - committed).toBeLessThanOrEqual(LIMIT_MS);
      }
      await playing.cutOff();
      const refused = { playback: null, playbackRefusal: 'not-entitled' };
      expect(await listed(user)).toMatchObject([refused, refused]);
    },
  );

  it('bought: both lists hold all that the token endpoint would answer', async () => {
    const user = await createSiteUser(site.app, site.role);
    await buy(user);
    const [rest, graphql] = await listed(user);
    expect(playbackOf(rest ?? { documentId: '' }).urls).toHaveProperty('dash');
    expect(graphql).toMatchObject({ playback: { expiresAt: expect.any(String), urls: {} }, playbackRefusal: null });
  });
});
