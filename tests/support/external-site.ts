import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { publishVideo, uploadFilm } from './films';
import { freePort } from './free-port';
import { PLAY } from './playback-site';
import { type ServerProcess, startServerProcess } from './server-process';
import type { AdminAccount, SiteUser } from './strapi-accounts';
import { createAdmin, createSiteRole, createSiteUser, grantPermission } from './strapi-accounts';
import { type StrapiApp, startStrapiApp } from './strapi-app';
import { until } from './until';

const CLI = path.resolve(import.meta.dirname, '../../dist/cli/index.js');

export interface ExternalStreamer {
  port: number;
  opsPort: number;
  rtmpPort: number;
  process: ServerProcess;
}

/** One Strapi and several streamers that run beside it, all with one cache, as behind a load balancer. */
export interface ExternalSite {
  app: StrapiApp;
  editor: AdminAccount;
  viewer: SiteUser;
  /** A published film. */
  video: string;
  /** Asset source of it, for more entries. */
  source: number;
  streamers: ExternalStreamer[];
  /** The streamers' `PROTECTED_VOD_CACHE_DIR`. */
  cacheDir: string;
  /** An empty directory for the configuration and logs of whatever stands in front. */
  directory: string;
  /** What all streamers have printed. */
  output(): string;
  stop(): Promise<void>;
}

export interface ExternalSiteOptions {
  /** Where viewers go: the port of whatever stands in front. */
  publicPort: number;
  count?: number;
  /** Added to the environment of every streamer. */
  env?: Record<string, string>;
  film?: (app: StrapiApp, editor: AdminAccount) => Promise<number>;
}

async function startStreamer(app: StrapiApp, keysFile: string, env: Record<string, string>): Promise<ExternalStreamer> {
  const [port, opsPort, rtmpPort] = [await freePort(), await freePort(), await freePort()];
  const process_ = await startServerProcess({
    file: process.execPath,
    args: [CLI, 'streamer'],
    port,
    env: {
      PATH: process.env.PATH ?? '',
      PROTECTED_VOD_STREAMER_KEYS_FILE: keysFile,
      PROTECTED_VOD_INTERNAL_URL: `${app.url}/api/protected-vod/internal`,
      PROTECTED_VOD_STORAGE_ROOT: app.storageRoot,
      PROTECTED_VOD_PORT: String(port),
      PROTECTED_VOD_OPS_PORT: String(opsPort),
      PROTECTED_VOD_RTMP_PORT: String(rtmpPort),
      PROTECTED_VOD_TRUSTED_PROXIES: '127.0.0.1',
      PROTECTED_VOD_LOG_LEVEL: 'debug',
      PROTECTED_VOD_CORS_ORIGINS: 'https://www.example.org',
      ...env,
    },
  });
  const readiness = () => fetch(`http://127.0.0.1:${opsPort}/readyz`).catch(() => null);
  await until('the streamer is ready', async () => (await readiness())?.ok);
  return { port, opsPort, rtmpPort, process: process_ };
}

/** Boots the site; whatever stands in front is for the caller to start. */
export async function startExternalSite(options: ExternalSiteOptions): Promise<ExternalSite> {
  const { publicPort, count = 2, env = {}, film } = options;
  const app = await startStrapiApp({
    pluginConfig: { streamer: { mode: 'external', publicUrl: `http://127.0.0.1:${publicPort}` } },
  });
  const editor = await createAdmin(app);
  const role = await createSiteRole(app, 'subscriber');
  await grantPermission(app, role, PLAY);
  const viewer = await createSiteUser(app, role);
  const source = film === undefined ? (await uploadFilm(app, editor)).id : await film(app, editor);
  const video = await publishVideo(app, editor, { source });
  const directory = path.join(app.storageRoot, '../front');
  const cacheDir = path.join(app.storageRoot, '../cache');
  await mkdir(directory);
  const keysFile = path.join(directory, 'keys.json');
  await writeFile(keysFile, JSON.stringify(app.strapi.plugin('protected-vod').service('keys').streamerKeys()), {
    mode: 0o600,
  });
  const streamers: ExternalStreamer[] = [];
  async function stop(): Promise<void> {
    await Promise.all(streamers.map(({ process }) => process.stop()));
    await app.stop();
  }
  try {
    for (let started = 0; started < count; started += 1) {
      streamers.push(await startStreamer(app, keysFile, { PROTECTED_VOD_CACHE_DIR: cacheDir, ...env }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    app,
    editor,
    viewer,
    video,
    source,
    streamers,
    cacheDir,
    directory,
    output: () => streamers.map(({ process }) => process.output()).join('\n'),
    stop,
  };
}
