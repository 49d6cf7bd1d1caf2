import { createRequire } from 'node:module';
import path from 'node:path';
import { PLUGIN_ID } from '../../contracts';
import { VodError } from '../errors';
import type { StorageCareService } from '../services/storage-care';
import type { Terminal } from './terminal';

type StrapiPackage = typeof import('@strapi/strapi');
type LoadedStrapi = Awaited<ReturnType<ReturnType<StrapiPackage['createStrapi']>['load']>>;

/** The app's own Strapi, not one that lies beside this plugin. */
function requireStrapi(cwd: string): StrapiPackage {
  try {
    return createRequire(path.join(cwd, 'package.json'))('@strapi/strapi') as StrapiPackage;
  } catch (cause) {
    throw new VodError('app-missing', 'There is no Strapi app here. Run this in the directory of the app.', { cause });
  }
}

async function load({ cwd }: Terminal): Promise<LoadedStrapi> {
  const { createStrapi, compileStrapi } = requireStrapi(cwd);
  const { appDir, distDir = appDir } = await compileStrapi({ appDir: cwd });
  const strapi = createStrapi({ appDir, distDir });
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
