import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countVideoFrames } from '../clients/frames.mjs';
import { playHls } from '../clients/hls.mjs';
import { freePort } from '../support/free-port';
import { streamerKeysOf } from '../support/internal';
import { mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { startStreamerProcess } from '../support/streamer-process';

let site: PublishedSite;
let port: number;

beforeAll(async () => {
  port = await freePort();
  site = await startPublishedSite({ publicUrl: `http://127.0.0.1:${port}` });
});

afterAll(() => site.app.stop());

const startStreamer = (keysMode: number) =>
  startStreamerProcess({
    directory: path.join(site.app.storageRoot, `../streamer-${keysMode}`),
    storageRoot: site.app.storageRoot,
    keys: streamerKeysOf(site.app),
    keysMode,
    internalUrl: `${site.app.url}/api/protected-vod/internal`,
    port,
  });

describe('protected-vod streamer, started alone', () => {
  it('becomes ready, plays the film to its end, and ends on SIGTERM', async () => {
    const { opsPort, stop, exitCode } = await startStreamer(0o600);
    expect((await fetch(`http://127.0.0.1:${opsPort}/healthz`)).status).toBe(200);
    const { urls } = await mint(site.app, site.video, site.viewer.jwt);
    const counts = await Promise.all((await playHls(urls.hls ?? '')).map(({ bytes }) => countVideoFrames(bytes)));
    expect(Math.max(...counts)).toBe(720);
    expect(await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()).toMatch(/protected_vod_bytes_total\{/);
    await stop('SIGTERM');
    expect(exitCode()).toBe(0);
  });

  it('S1 refuses a keys file that others may read', async () => {
    const refusal = await startStreamer(0o644).catch(String);
    expect(refusal).toMatch(/has ended with status 2/);
    expect(refusal).toMatch(/600/);
    expect(refusal).not.toContain(streamerKeysOf(site.app).credential);
  });
});
