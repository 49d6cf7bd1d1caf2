import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishVideo, uploadFilm } from '../support/films';
import { isAlive } from '../support/is-alive';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { startSiteProcess } from '../support/site-process';
import { until } from '../support/until';

describe('a streamer that is killed', () => {
  let site: PlaybackSite;

  beforeAll(async () => {
    site = await startPlaybackSite();
  });

  afterAll(() => site.app.stop());

  it('is back, and serves the same session, within three seconds', async () => {
    const source = (await uploadFilm(site.app, site.editor)).id;
    const video = await publishVideo(site.app, site.editor, { source });
    const { urls } = await mint(site.app, video, site.viewer.jwt);
    // Through Strapi's own port, which follows the streamer to its new one.
    const address = (await fetch(urls.hls ?? '')).url;
    expect(address).toContain('/ps_');
    const serves = async () => (await fetch(address).catch(() => null))?.status === 200;
    expect(await serves()).toBe(true);
    const streamer = site.app.strapi.plugin('protected-vod').service('streamer');
    const { pid } = streamer.status();
    process.kill(pid, 'SIGKILL');
    const killed = performance.now();
    await until('the streamer has gone', () => !isAlive(pid));
    await until('the session is served again', serves);
    const ms = performance.now() - killed;
    console.log(`streamer killed: the same session is served again after ${ms.toFixed(0)} ms`);
    expect(ms).toBeLessThanOrEqual(3000);
    expect(streamer.status().pid).not.toBe(pid);
  });
});

describe('a Strapi that is killed', () => {
  it('takes its streamer with it within five seconds', async () => {
    const started = await startSiteProcess();
    try {
      const { pid } = await started.running();
      started.process.kill('SIGKILL');
      const killed = performance.now();
      await until('the streamer has gone', () => !isAlive(pid));
      const ms = performance.now() - killed;
      console.log(`Strapi killed: its streamer is gone after ${ms.toFixed(0)} ms`);
      expect(ms).toBeLessThanOrEqual(5000);
    } finally {
      await started.dispose();
    }
  });
});
