import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countVideoFrames } from '../clients/frames.mjs';
import { playHls } from '../clients/hls.mjs';
import { publishVideo, uploadFilm } from '../support/films';
import { freePort } from '../support/free-port';
import { mint } from '../support/minting';
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

let app: StrapiApp;
let viewer: SiteUser;
let video: string;
let port: number;
let opsPort: number;

beforeAll(async () => {
  [port, opsPort] = [await freePort(), await freePort()];
  app = await startStrapiApp({
    pluginConfig: { streamer: { mode: 'external', publicUrl: `http://127.0.0.1:${port}` } },
  });
  const editor = await createAdmin(app);
  const role = await createSiteRole(app, 'subscriber');
  await grantPermission(app, role, 'plugin::protected-vod.playback.create');
  viewer = await createSiteUser(app, role);
  video = await publishVideo(app, editor, { source: (await uploadFilm(app, editor)).id });
});

afterAll(() => app.stop());

async function startStreamer(mode = 0o600) {
  const keysFile = path.join(app.storageRoot, '..', `keys-${mode}.json`);
  const keys = app.strapi.plugin('protected-vod').service('keys').streamerKeys();
  await writeFile(keysFile, JSON.stringify(keys), { mode });
  const child = spawn(process.execPath, [CLI, 'streamer'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      PROTECTED_VOD_STREAMER_KEYS_FILE: keysFile,
      PROTECTED_VOD_INTERNAL_URL: `${app.url}/api/protected-vod/internal`,
      PROTECTED_VOD_STORAGE_ROOT: app.storageRoot,
      PROTECTED_VOD_CACHE_DIR: path.join(app.storageRoot, '../cache'),
      PROTECTED_VOD_PORT: String(port),
      PROTECTED_VOD_OPS_PORT: String(opsPort),
    },
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(String(chunk)));
  return { child, output, ended: once(child, 'exit') };
}

const readiness = () => fetch(`http://127.0.0.1:${opsPort}/readyz`).catch(() => null);

describe('protected-vod streamer, started alone', () => {
  it('becomes ready, plays the film to its end, and ends on SIGTERM', async () => {
    const { child, ended } = await startStreamer();
    await until('the streamer is ready', async () => (await readiness())?.status === 200);
    expect((await fetch(`http://127.0.0.1:${opsPort}/healthz`)).status).toBe(200);
    const { urls } = await mint(app, video, viewer.jwt);
    const counts = await Promise.all((await playHls(urls.hls ?? '')).map(({ bytes }) => countVideoFrames(bytes)));
    expect(Math.max(...counts)).toBe(720);
    expect(await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()).toMatch(/protected_vod_bytes_total\{/);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('S1 refuses a keys file that others may read', async () => {
    const { output, ended } = await startStreamer(0o644);
    expect((await ended)[0]).toBe(2);
    const keys = app.strapi.plugin('protected-vod').service('keys').streamerKeys();
    expect(output.join('')).toMatch(/600/);
    expect(output.join('')).not.toContain(keys.credential);
  });
});
