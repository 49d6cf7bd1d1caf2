import http from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countVideoFrames } from '../clients/frames.mjs';
import { playHls } from '../clients/hls.mjs';
import { type ExternalStreamer, startExternalStreamer } from '../support/external-streamers';
import { publishVideo, uploadFilm } from '../support/films';
import { streamerKeysOf } from '../support/internal';
import { ageRotations, forgeToken, keysOf, kidOf } from '../support/key-rotation';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { runCommand } from '../support/run-command';
import { until } from '../support/until';

const OVERLAP_SECONDS = 600;

let site: PlaybackSite;
let external: ExternalStreamer;
let video: string;

/** With the keys file that every streamer of the site gets, whenever it was made. */
const startStreamer = () =>
  startExternalStreamer({
    keys: streamerKeysOf(site.app),
    internalUrl: `${site.app.url}/api/protected-vod/internal`,
    storageRoot: site.app.storageRoot,
  });

beforeAll(async () => {
  site = await startPlaybackSite();
  const source = (await uploadFilm(site.app, site.editor)).id;
  video = await publishVideo(site.app, site.editor, { source });
  external = await startStreamer();
});

afterAll(async () => {
  await external.dispose();
  await site.app.stop();
});

const newToken = async (): Promise<string> => (await mint(site.app, video, site.viewer.jwt)).token;
const hls = (base: string, token: string): string => `${base}/v/${token}/hls/main.m3u8`;
const statusOf = async (url: string): Promise<number> => (await fetch(url, { redirect: 'manual' })).status;
/** Where a viewer ends up who redeems at `base`. */
const open = async (base: string, token: string): Promise<string> => {
  const response = await fetch(hls(base, token));
  expect(response.status).toBe(200);
  return response.url;
};
const mostFrames = async (url: string): Promise<number> =>
  Math.max(...(await Promise.all((await playHls(url)).map(({ bytes }) => countVideoFrames(bytes)))));

/** A film that is being read all the time: one long answer, of which nothing is taken before `finish`. */
async function startReading(url: string) {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get(url, { agent: false }, resolve).on('error', reject);
  });
  response.pause();
  return {
    async finish(): Promise<{ complete: boolean; bytes: number; announced: number }> {
      let bytes = 0;
      for await (const chunk of response) bytes += (chunk as Buffer).length;
      return { complete: response.complete, bytes, announced: Number(response.headers['content-length']) };
    },
  };
}

describe('a rotation while viewers watch', () => {
  it('interrupts nobody, lets tokens of before in during the overlap, and none after it', async () => {
    const managed = site.streamerUrl();
    const before = await keysOf(site.app).tokenKeys();
    const pid = site.app.strapi.plugin('protected-vod').service('streamer').status().pid;
    const watching = await Promise.all([managed, external.url].map(async (base) => open(base, await newToken())));
    const film = await startReading((watching[0] ?? '').replace('hls/main.m3u8', 'mp4'));
    const waiting = await newToken();

    const { code, out } = await runCommand(site.app, ['secret', 'rotate', '--overlap', String(OVERLAP_SECONDS)]);
    expect(code).toBe(0);
    const kid = out.split(' ')[1] ?? '';
    await ageRotations(site.app, 20);
    await until('the new key signs', async () => kidOf(await newToken()) === kid);

    // During the overlap: streamers that were there learn the new key, one that comes now too, and all know the old one.
    const late = await startStreamer();
    for (const base of [managed, external.url, late.url]) {
      await until(
        'tokens of the new key are redeemed',
        async () => (await statusOf(hls(base, await newToken()))) === 302,
      );
      expect(await statusOf(hls(base, await newToken()))).toBe(302);
    }
    expect(await statusOf(hls(managed, waiting))).toBe(302);
    expect(await statusOf(hls(late.url, await forgeToken(before.signing, video, site.viewer.id)))).toBe(302);
    for (const url of watching) expect(await mostFrames(url)).toBe(720);

    await ageRotations(site.app, OVERLAP_SECONDS);
    for (const base of [managed, external.url, late.url]) {
      const refused = async () => statusOf(hls(base, await forgeToken(before.signing, video, site.viewer.id)));
      await until('tokens of the old key are refused', async () => (await refused()) === 403);
      expect(await statusOf(hls(base, await newToken()))).toBe(302);
    }
    for (const url of watching) expect(await mostFrames(url)).toBe(720);
    const read = await film.finish();
    expect(read).toEqual({ complete: true, bytes: read.announced, announced: read.announced });
    expect(site.app.strapi.plugin('protected-vod').service('streamer').status().pid).toBe(pid);
    await late.dispose();
  });
});
