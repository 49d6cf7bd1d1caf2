import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishVideo, uploadFilm } from '../support/films';
import { freePort } from '../support/free-port';
import { mint } from '../support/minting';
import { startSibling } from '../support/sibling-site';
import type { SiteProcess } from '../support/site-process';
import {
  createAdmin,
  createSiteRole,
  createSiteUser,
  grantPermission,
  type SiteUser,
} from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';
import { until } from '../support/until';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');
const OUTAGE_SECONDS = 20;

/** Mints; the streamer never asks it. */
let office: StrapiApp;
/** The one that the streamer asks; it is stopped. */
let asked: SiteProcess;
let streamer: ChildProcess;
let viewer: SiteUser;
let video: string;
let sitePort: number;
let streamerConfig: Record<string, unknown>;

const startAsked = () =>
  startSibling(
    { storage: { root: office.storageRoot }, streamer: streamerConfig },
    { env: { PORT: String(sitePort) } },
  );

beforeAll(async () => {
  const [port, opsPort] = [await freePort(), await freePort()];
  sitePort = await freePort();
  streamerConfig = { mode: 'external', publicUrl: `http://127.0.0.1:${port}` };
  office = await startStrapiApp({ pluginConfig: { streamer: streamerConfig } });
  const editor = await createAdmin(office);
  const role = await createSiteRole(office, 'subscriber');
  await grantPermission(office, role, 'plugin::protected-vod.playback.create');
  viewer = await createSiteUser(office, role);
  video = await publishVideo(office, editor, { source: (await uploadFilm(office, editor)).id });
  asked = await startAsked();
  const url = await asked.listening();
  const keysFile = path.join(office.storageRoot, '../keys.json');
  const keys = office.strapi.plugin('protected-vod').service('keys').streamerKeys();
  await writeFile(keysFile, JSON.stringify(keys), { mode: 0o600 });
  streamer = spawn(process.execPath, [CLI, 'streamer'], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH ?? '',
      PROTECTED_VOD_STREAMER_KEYS_FILE: keysFile,
      PROTECTED_VOD_INTERNAL_URL: `${url}/api/protected-vod/internal`,
      PROTECTED_VOD_STORAGE_ROOT: office.storageRoot,
      PROTECTED_VOD_CACHE_DIR: path.join(office.storageRoot, '../cache'),
      PROTECTED_VOD_PORT: String(port),
      PROTECTED_VOD_OPS_PORT: String(opsPort),
    },
  });
  const readiness = () => fetch(`http://127.0.0.1:${opsPort}/readyz`).catch(() => null);
  await until('the streamer is ready', async () => (await readiness())?.status === 200);
});

afterAll(async () => {
  streamer.kill('SIGKILL');
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
