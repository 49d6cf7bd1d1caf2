import { publishVideo, uploadFilm } from './films';
import type { AdminAccount, SiteUser } from './strapi-accounts';
import { createAdmin, createSiteRole, createSiteUser, grantPermission } from './strapi-accounts';
import { type StrapiApp, type StrapiAppOptions, startStrapiApp } from './strapi-app';
import { until } from './until';

export const PLAY = 'plugin::protected-vod.playback.create';

/** Who is on a site where subscribers may watch. */
export interface PlaybackAccounts {
  editor: AdminAccount;
  /** Holds the permission to watch, and no other. */
  role: { id: number; type: string };
  /** Of that role. */
  viewer: SiteUser;
}

export async function createPlaybackAccounts(app: StrapiApp): Promise<PlaybackAccounts> {
  const role = await createSiteRole(app, 'subscriber');
  await grantPermission(app, role, PLAY);
  return { editor: await createAdmin(app), role, viewer: await createSiteUser(app, role) };
}

/** A site on which a subscriber may watch: Strapi, its managed streamer, an editor, a role and a user. */
export interface PlaybackSite extends PlaybackAccounts {
  app: StrapiApp;
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
  return { app, ...(await createPlaybackAccounts(app)), streamerUrl: () => `http://127.0.0.1:${streamer.port()}` };
}

/** A site whose streamers, if there are any, run elsewhere, with a film that a subscriber may watch. */
export interface PublishedSite extends PlaybackAccounts {
  app: StrapiApp;
  /** The Media Library file, for more entries. */
  source: number;
  /** `documentId` of the entry. */
  video: string;
}

export interface PublishedSiteOptions {
  /** Where viewers go. */
  publicUrl?: string;
  /** As in `StrapiAppOptions`. */
  pluginConfig?: StrapiAppOptions['pluginConfig'];
  env?: StrapiAppOptions['env'];
}

/** Boots the site and publishes the film. */
export async function startPublishedSite(options: PublishedSiteOptions = {}): Promise<PublishedSite> {
  const { publicUrl = 'https://video.example.test', pluginConfig, env = {} } = options;
  const streamer = { mode: 'external', publicUrl, ...pluginConfig?.streamer };
  const app = await startStrapiApp({ pluginConfig: { ...pluginConfig, streamer }, env });
  const accounts = await createPlaybackAccounts(app);
  const { id: source } = await uploadFilm(app, accounts.editor);
  return { app, ...accounts, source, video: await publishVideo(app, accounts.editor, { source }) };
}
