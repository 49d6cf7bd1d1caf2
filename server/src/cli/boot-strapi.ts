import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PLUGIN_ID } from '../../contracts';
import { VodError } from '../errors';
import type { StorageCareService } from '../services/storage-care';
import type { Terminal } from './terminal';

type StrapiPackage = typeof import('@strapi/strapi');
type LoadedStrapi = Awaited<ReturnType<ReturnType<StrapiPackage['createStrapi']>['load']>>;

/** The app's own Strapi, not one that lies beside this plugin. */
function requireStrapi(appRequire: NodeJS.Require): StrapiPackage {
  try {
    return appRequire('@strapi/strapi') as StrapiPackage;
  } catch (cause) {
    throw new VodError('app-missing', 'There is no Strapi app here. Run this in the directory of the app.', { cause });
  }
}

/** Where the app's code is built to, as `strapi start` finds it. Nothing is built here. */
async function builtDirectory(appRequire: NodeJS.Require, cwd: string): Promise<string> {
  if (!existsSync(path.join(cwd, 'tsconfig.json'))) return cwd;
  const fromStrapi = createRequire(appRequire.resolve('@strapi/strapi/package.json'));
  const { resolveOutDir } = fromStrapi('@strapi/typescript-utils') as { resolveOutDir(dir: string): Promise<string> };
  const directory = await resolveOutDir(cwd);
  if (existsSync(path.join(directory, 'config'))) return directory;
  throw new VodError('app-not-built', 'The app is not built. Run `npm run build` first.');
}

interface LoadOptions {
  /** Nothing but what the command itself says. */
  isSilent?: boolean;
}

async function load({ cwd }: Terminal, { isSilent = false }: LoadOptions): Promise<LoadedStrapi> {
  const appRequire = createRequire(path.join(cwd, 'package.json'));
  const { createStrapi } = requireStrapi(appRequire);
  const strapi = createStrapi({ appDir: cwd, distDir: await builtDirectory(appRequire, cwd) });
  // What the command says is not to be looked for between Strapi's own lines.
  strapi.log.level = 'error';
  strapi.log.silent = isSilent;
  // The site's own jobs belong to the Strapi that serves.
  strapi.config.set('server.cron.enabled', false);
  try {
    return await strapi.load();
  } catch (error) {
    // What has been opened so far would keep the process from ending.
    await strapi.destroy().catch(() => undefined);
    throw error;
  }
}

/**
 * Runs `task` with the Strapi of the app in whose directory the command was given. It is loaded without listening, also
 * beside one that runs: both work on the same database. Throws `VodError` `app-missing`, `app-not-built`,
 * `plugin-missing`, and what a Strapi that cannot start throws.
 */
export async function withPlugin<T>(
  terminal: Terminal,
  task: (service: (name: string) => unknown) => Promise<T>,
  options: LoadOptions = {},
): Promise<T> {
  const strapi = await load(terminal, options);
  try {
    const plugin = strapi.plugins[PLUGIN_ID];
    if (!plugin) throw new VodError('plugin-missing', 'The plugin is not enabled in this app: see config/plugins.');
    return await task((name) => plugin.service(name));
  } finally {
    await strapi.destroy();
  }
}

/** Nothing of this needs the memory of the Strapi that runs. */
export function withStorage<T>(terminal: Terminal, task: (care: StorageCareService) => Promise<T>): Promise<T> {
  return withPlugin(terminal, (service) => task(service('storage-care') as StorageCareService));
}
