import type { AdminAccount, SiteUser } from './strapi-accounts';
import { createAdmin, createSiteRole, createSiteUser, grantPermission } from './strapi-accounts';
import { type StrapiApp, type StrapiAppOptions, startStrapiApp } from './strapi-app';
import { until } from './until';

export const PLAY = 'plugin::protected-vod.playback.create';

/** A site on which a subscriber may watch: Strapi, its managed streamer, an editor, a role and a user. */
export interface PlaybackSite {
  app: StrapiApp;
  editor: AdminAccount;
  role: { id: number; type: string };
  viewer: SiteUser;
  /** `http://127.0.0.1:<port>` of the streamer itself, past Strapi's proxy. */
  streamerUrl(): string;
}

/** Boots the site and waits for the streamer to run. */
export async function startPlaybackSite(options: StrapiAppOptions = {}): Promise<PlaybackSite> {
  const { streamer: settings, ...rest } = options.pluginConfig ?? {};
  const app = await startStrapiApp({
    ...options,
    pluginConfig: { ...rest, streamer: { logLevel: 'warn', ...settings } },
  });
  const streamer = app.strapi.plugin('protected-vod').service('streamer');
  await until('the streamer runs', () => streamer.port() !== null);
  const role = await createSiteRole(app, 'subscriber');
  await grantPermission(app, role, PLAY);
  return {
    app,
    editor: await createAdmin(app),
    role,
    viewer: await createSiteUser(app, role),
    streamerUrl: () => `http://127.0.0.1:${streamer.port()}`,
  };
}
