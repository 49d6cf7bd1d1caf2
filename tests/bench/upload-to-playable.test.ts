import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIP, publishVideo } from '../support/films';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { FFMPEG, repeatFilm } from '../support/tools';
import { uploadFilmByTus } from '../support/tus-upload';

/** The first rounds warm a process up that was started a moment ago; they are printed and not counted. */
const WARM_UP = 3;
const ROUNDS = 9;
const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

let site: PlaybackSite;
let directory: string;
const pathBefore = process.env.PATH;

/** From the last byte sent to 200 on the multivariant playlist: storing, entry, publish, mint and redemption included. */
async function measure(film: string): Promise<number> {
  const { id, lastByteAt } = await uploadFilmByTus(site.app, site.editor, film);
  const stored = performance.now();
  const video = await publishVideo(site.app, site.editor, { source: id });
  const published = performance.now();
  const { urls } = await mint(site.app, video, site.viewer.jwt);
  const minted = performance.now();
  const playlist = await fetch(urls.hls ?? '');
  const played = performance.now();
  const parts = [stored - lastByteAt, published - stored, minted - published, played - minted];
  console.log(`stored, published, minted, playlist: ${parts.map((ms) => ms.toFixed(0)).join(', ')} ms`);
  expect(playlist.status).toBe(200);
  expect(await playlist.text()).toContain('#EXT-X-STREAM-INF');
  return performance.now() - lastByteAt;
}

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-bench-'));
  if (FFMPEG) await repeatFilm(CLIP, 20, path.join(directory, 'ten-minutes.mp4'));
  process.env.PATH = directory;
  site = await startPlaybackSite();
});

afterAll(async () => {
  process.env.PATH = pathBefore;
  await site?.app.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('last upload byte to playable, through tus, with no ffmpeg on the PATH', () => {
  it.each([
    ['the clip', () => CLIP, 300],
    ['a 10-minute 1080p film', () => path.join(directory, 'ten-minutes.mp4'), 600],
  ])('%s', async (name, film, limitMs) => {
    const times: number[] = [];
    for (let round = 0; round < WARM_UP; round += 1) await measure(film());
    for (let round = 0; round < ROUNDS; round += 1) times.push(await measure(film()));
    console.log(`${name}: median ${median(times).toFixed(0)} ms of ${times.map((ms) => ms.toFixed(0)).join(', ')}`);
    expect(median(times)).toBeLessThanOrEqual(limitMs);
  });
});
