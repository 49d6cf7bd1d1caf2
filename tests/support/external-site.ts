import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type ExternalStreamer, startExternalStreamer } from './external-streamers';
import { freePort } from './free-port';
import { streamerKeysOf } from './internal';
import { type PublishedSite, startPublishedSite } from './playback-site';

/** One Strapi and several streamers that run beside it, all with one cache, as behind a load balancer. */
export interface ExternalSite extends PublishedSite {
  streamers: (ExternalStreamer & { rtmpPort: number })[];
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
}

async function startStreamer({ app }: PublishedSite, cacheDir: string, env: Record<string, string>) {
  const rtmpPort = await freePort();
  const streamer = await startExternalStreamer({
    keys: streamerKeysOf(app),
    internalUrl: `${app.url}/api/protected-vod/internal`,
    storageRoot: app.storageRoot,
    cacheDir,
    env: {
      PROTECTED_VOD_RTMP_PORT: String(rtmpPort),
      PROTECTED_VOD_TRUSTED_PROXIES: '127.0.0.1',
      PROTECTED_VOD_LOG_LEVEL: 'debug',
      PROTECTED_VOD_CORS_ORIGINS: 'https://www.example.org',
      ...env,
    },
  });
  return { ...streamer, rtmpPort };
}

/** Boots the site; whatever stands in front is for the caller to start. */
export async function startExternalSite(options: ExternalSiteOptions): Promise<ExternalSite> {
  const { publicPort, count = 2, env = {} } = options;
  const site = await startPublishedSite({ publicUrl: `http://127.0.0.1:${publicPort}` });
  const directory = path.join(site.app.storageRoot, '../front');
  const cacheDir = path.join(site.app.storageRoot, '../cache');
  await mkdir(directory);
  const streamers: ExternalSite['streamers'] = [];
  async function stop(): Promise<void> {
    await Promise.all(streamers.map((streamer) => streamer.dispose()));
    await site.app.stop();
  }
  try {
    for (let started = 0; started < count; started += 1) streamers.push(await startStreamer(site, cacheDir, env));
  } catch (error) {
    await stop();
    throw error;
  }
  const output = () => streamers.map((streamer) => streamer.output()).join('\n');
  return { ...site, streamers, cacheDir, directory, output, stop };
}
