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

async function load({ cwd }: Terminal): Promise<LoadedStrapi> {
  const appRequire = createRequire(path.join(cwd, 'package.json'));
  const { createStrapi } = requireStrapi(appRequire);
  const strapi = createStrapi({ appDir: cwd, distDir: await builtDirectory(appRequire, cwd) });
  // What the command says is not to be looked for between Strapi's own lines.
  strapi.log.level = 'error';
  return strapi.load();
}

/**
 * Runs `task` with the storage of the app in whose directory the command was given. Strapi is loaded without listening,
 * also beside one that runs: both work on the same database, and nothing of this needs the other's memory.
 */
export async function withStorage<T>(terminal: Terminal, task: (care: StorageCareService) => Promise<T>): Promise<T> {
  const strapi = await load(terminal);
  try {
    const plugin = strapi.plugins[PLUGIN_ID];
    if (!plugin) throw new VodError('plugin-missing', 'The plugin is not enabled in this app: see config/plugins.');
    return await task(plugin.service('storage-care') as StorageCareService);
  } finally {
    await strapi.destroy();
  }
}
