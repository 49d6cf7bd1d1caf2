import { type ExternalStreamer, startExternalStreamer } from './external-streamers';
import { streamerKeysOf } from './internal';
import { PLAY } from './playback-site';
import { startSecondNode } from './second-node';
import type { SiteProcess } from './site-process';
import {
  type AdminAccount,
  createAdmin,
  createSiteRole,
  createSiteUser,
  grantPermission,
  type SiteUser,
} from './strapi-accounts';
import { type StrapiApp, type StrapiAppOptions, startStrapiApp } from './strapi-app';

/** One site on several processes: Strapi in this one and, on a database server, in a second; streamers of their own. */
export interface SeveralNodes {
  app: StrapiApp;
  /** Null on SQLite. */
  second: SiteProcess | null;
  streamers: ExternalStreamer[];
  editor: AdminAccount;
  viewer: SiteUser;
  role: { id: number; type: string };
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
  const role = await createSiteRole(app, 'subscriber');
  await grantPermission(app, role, PLAY);
  return {
    app,
    second,
    streamers,
    role,
    editor: await createAdmin(app),
    viewer: await createSiteUser(app, role),
    async stop() {
      for (const streamer of streamers) await streamer.dispose();
      await second?.dispose();
      await app.stop();
    },
  };
}
