import { type ExternalStreamer, startExternalStreamer } from './external-streamers';
import { streamerKeysOf } from './internal';
import { createPlaybackAccounts, type PlaybackAccounts } from './playback-site';
import { startSecondNode } from './second-node';
import type { SiteProcess } from './site-process';
import { type StrapiApp, type StrapiAppOptions, startStrapiApp } from './strapi-app';

/** One site on several processes: Strapi in this one and, on a database server, in a second; streamers of their own. */
export interface SeveralNodes extends PlaybackAccounts {
  app: StrapiApp;
  /** Null on SQLite. */
  second: SiteProcess | null;
  streamers: ExternalStreamer[];
  stop(): Promise<void>;
}

/** Streamers ask the two Strapi processes by turns. */
export async function startSeveralNodes(
  options: StrapiAppOptions & { streamerCount?: number } = {},
): Promise<SeveralNodes> {
  const { streamerCount = 3, pluginConfig, ...rest } = options;
  const app = await startStrapiApp({
    ...rest,
    pluginConfig: { streamer: { mode: 'external', publicUrl: 'http://127.0.0.1:9' }, ...pluginConfig },
  });
  const second = process.env.DATABASE_CLIENT === 'sqlite' ? null : await startSecondNode();
  const sites = second === null ? [app.url] : [app.url, await second.listening()];
  const streamers: ExternalStreamer[] = [];
  for (let at = 0; at < streamerCount; at += 1) {
    const internalUrl = `${sites[at % sites.length]}/api/protected-vod/internal`;
    streamers.push(
      await startExternalStreamer({ keys: streamerKeysOf(app), internalUrl, storageRoot: app.storageRoot }),
    );
  }
  return {
    app,
    second,
    streamers,
    ...(await createPlaybackAccounts(app)),
    async stop() {
      for (const streamer of streamers) await streamer.dispose();
      await second?.dispose();
      await app.stop();
    },
  };
}
