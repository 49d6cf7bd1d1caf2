import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWalk, walkFilm } from '../../support/film-walk';
import { LONG_FILM_SECONDS, publishLongFilm } from '../../support/long-film';
import { mint } from '../../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../../support/playback-site';

/** Beside the film: what is under way when it ends. */
const MARGIN_MS = 60_000;
/** Another one: `WALK_SEED=4711 npm run bench:hand-over`. */
const SEED = Number(process.env.WALK_SEED ?? 1);

let site: PlaybackSite;
let video: string;

beforeAll(async () => {
  site = await startPlaybackSite();
  video = await publishLongFilm(site);
});

afterAll(() => site?.app.stop());

it(
  'one client that watches for ten minutes, and reloads, seeks and asks for ranges, is never refused',
  async () => {
    const { hls = '', dash = '', mp4 = '' } = (await mint(site.app, video, site.viewer.jwt)).urls;
    const walk = { urls: { hls, dash, mp4 }, filmSeconds: LONG_FILM_SECONDS, seed: SEED };
    const report = await walkFilm({ ...walk, speed: 'real-time' });
    console.log(describeWalk(report));
    expect(report.refusals).toEqual([]);
    expect(report.seconds).toBeGreaterThanOrEqual(LONG_FILM_SECONDS);
  },
  LONG_FILM_SECONDS * 1000 + MARGIN_MS,
);
