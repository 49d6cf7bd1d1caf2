import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countVideoFrames } from '../clients/frames.mjs';
import { playHls } from '../clients/hls.mjs';
import { publishVideo, uploadFilm } from '../support/films';
import { jobsOf } from '../support/ingest-worker';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { FFMPEG } from '../support/tools';
import { until } from '../support/until';

describe.skipIf(!FFMPEG)('the ladder of a film', () => {
  let site: PlaybackSite;
  let video: string;

  beforeAll(async () => {
    site = await startPlaybackSite({
      pluginConfig: { ingest: { mode: 'managed', ladder: [720, 480, 360], preset: 'ultrafast', leaseSeconds: 5 } },
    });
    const { id } = await uploadFilm(site.app, site.editor);
    video = await publishVideo(site.app, site.editor, { source: id });
    await until('it is made', async () => {
      const jobs = await jobsOf(site.app);
      console.log(jobs.map(({ kind, state, reason }) => `${kind} ${state} ${reason}`).join());
      return jobs.length === 5 && jobs.every(({ state }) => state === 'done' || state === 'failed');
    }, 90000);
  }, 120000);
  afterAll(() => site?.app.stop());

  it('has every picture on each rung', async () => {
    const { urls } = await mint(site.app, video, site.viewer.jwt);
    const tracks = await playHls(urls.hls ?? '');
    for (const { playlist, bytes } of tracks) console.log(playlist.slice(0, 600), await countVideoFrames(bytes));
    console.log(site.app.storageRoot, path.sep);
  });
});
