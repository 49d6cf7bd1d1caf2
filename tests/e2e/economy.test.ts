import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playHls } from '../clients/hls.mjs';
import { CLIP, publishVideo, uploadFilm } from '../support/films';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { rawRequest } from '../support/raw-request';
import { FFMPEG, repeatFilm } from '../support/tools';
import { uploadFilmByTus } from '../support/tus-upload';
import { until } from '../support/until';

let site: PlaybackSite;
const calls: string[] = [];

const callsOf = (name: string) => calls.filter((url) => url.endsWith(`/internal/${name}`)).length;

beforeAll(async () => {
  site = await startPlaybackSite({ pluginConfig: { session: { paceBufferSeconds: 7200 } } });
  site.app.strapi.server.httpServer.on('request', ({ url }: { url: string }) => calls.push(url));
});

afterAll(() => site.app.stop());

describe('what playback costs Strapi', () => {
  it.skipIf(!FFMPEG)('a 10-minute film: one introspection, one sync a second, nothing per segment', async () => {
    const film = path.join(site.app.storageRoot, '../long.mp4');
    await repeatFilm(CLIP, 20, film);
    const source = (await uploadFilmByTus(site.app, site.editor, film)).id;
    const video = await publishVideo(site.app, site.editor, { source });
    const { urls } = await mint(site.app, video, site.viewer.jwt);
    const direct = (urls.hls ?? '').replace(/^.*\/protected-vod\/stream/, site.streamerUrl());
    calls.length = 0;
    const started = Date.now();
    const tracks = await playHls(direct);
    const seconds = (Date.now() - started) / 1000;
    const segments = tracks.reduce((sum, { playlist }) => sum + (playlist.match(/#EXTINF/g)?.length ?? 0), 0);
    console.log(
      `${segments} segments in ${seconds.toFixed(1)} s: ${callsOf('introspect')} introspection, ${callsOf('sync')} syncs`,
    );
    expect(segments).toBeGreaterThan(100);
    expect(callsOf('introspect')).toBe(1);
    expect(callsOf('sync')).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
    expect(calls).toHaveLength(callsOf('introspect') + callsOf('sync'));
  });

  it('1,000 sessions on one streamer: at most two requests a second', async () => {
    const source = (await uploadFilm(site.app, site.editor)).id;
    const video = await publishVideo(site.app, site.editor, { source });
    // The first film's session would make it 1,001, and a third batch.
    await site.app.strapi.plugin('protected-vod').service('playback-session').store.endScope({}, 'ended-by-editor');
    for (let opened = 0; opened < 1000; opened += 20) {
      await Promise.all(
        Array.from({ length: 20 }, async (_, at) => {
          const { token } = await mint(site.app, video, site.viewer.jwt);
          const client = opened + at;
          const from = `127.${1 + (client >> 8)}.${client & 255}.1`;
          // A busy machine may say 503 with a Retry-After; players come back.
          const redeem = async () =>
            (await rawRequest(`${site.streamerUrl()}/v/${token}/hls/main.m3u8`, { from })).status === 302;
          await until('the session is open', redeem);
        }),
      );
    }
    await delay(1500);
    calls.length = 0;
    await delay(5000);
    console.log(`1,000 sessions, 5 s: ${callsOf('sync')} syncs, ${callsOf('introspect')} introspections`);
    expect(callsOf('introspect')).toBe(0);
    expect(callsOf('sync')).toBeLessThanOrEqual(12);
    expect(callsOf('sync')).toBeGreaterThanOrEqual(6);
  });
});
