import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExternalStreamer, startExternalStreamer } from '../support/external-streamers';
import { freePort } from '../support/free-port';
import { streamerKeysOf } from '../support/internal';
import { mint } from '../support/minting';
import { startPublishedSite } from '../support/playback-site';
import { startSibling } from '../support/second-node';
import type { SiteProcess } from '../support/site-process';
import type { SiteUser } from '../support/strapi-accounts';
import type { StrapiApp } from '../support/strapi-app';
import { until } from '../support/until';

const OUTAGE_SECONDS = 20;

/** Mints; the streamer never asks it. */
let office: StrapiApp;
/** The one that the streamer asks; it is stopped. */
let asked: SiteProcess;
let streamer: ExternalStreamer;
let viewer: SiteUser;
let video: string;
let sitePort: number;
let publicUrl: string;

const startAsked = () =>
  startSibling(
    { storage: { root: office.storageRoot }, streamer: { mode: 'external', publicUrl } },
    { PORT: String(sitePort) },
  );

beforeAll(async () => {
  const port = await freePort();
  sitePort = await freePort();
  publicUrl = `http://127.0.0.1:${port}`;
  ({ app: office, viewer, video } = await startPublishedSite({ publicUrl }));
  asked = await startAsked();
  streamer = await startExternalStreamer({
    keys: streamerKeysOf(office),
    internalUrl: `${await asked.listening()}/api/protected-vod/internal`,
    storageRoot: office.storageRoot,
    port,
  });
});

afterAll(async () => {
  await streamer.dispose();
  await asked.dispose();
  await office.stop();
});

async function start(): Promise<{ status: number; address: string }> {
  const { urls } = await mint(office, video, viewer.jwt);
  const { status, url } = await fetch(urls.hls ?? '');
  return { status, address: url };
}

/** Reads on as a player does, while the plugin is away; returns every status that was not a success. */
async function playThrough(address: string): Promise<number[]> {
  const failures: number[] = [];
  for (let second = 0; second < OUTAGE_SECONDS; second += 1) {
    const answer = await fetch(new URL(`source-v1/${(second % 3) + 1}.m4s`, address));
    if (!answer.ok) failures.push(answer.status);
    await answer.arrayBuffer();
    await delay(1000);
  }
  return failures;
}

describe('an external streamer, while Strapi is away for 20 seconds', () => {
  it.each<[string, () => unknown, () => unknown]>([
    ['hangs', () => asked.process.kill('SIGSTOP'), () => void asked.process.kill('SIGCONT')],
    [
      'is killed',
      async () => {
        asked.process.kill('SIGKILL');
        await once(asked.process, 'exit');
      },
      async () => {
        asked = await startAsked();
        await asked.listening();
      },
    ],
  ])(
    'because it %s: playback goes on, a new one gets 503, and starts when Strapi is back',
    async (_how, leave, comeBack) => {
      const { status, address } = await start();
      expect(status).toBe(200);
      await leave();
      const [failures, newcomer] = await Promise.all([playThrough(address), start()]);
      expect(failures).toEqual([]);
      expect(newcomer.status).toBe(503);
      await comeBack();
      await until('a new one starts', async () => (await start()).status === 200);
      expect((await fetch(address)).status).toBe(200);
    },
  );
});
