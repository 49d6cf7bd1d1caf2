import { copyFile, cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const APP_DIR = path.resolve(import.meta.dirname, '../app');
const NODE_MODULES = path.resolve(import.meta.dirname, '../../node_modules');
const SHARED = ['config', 'database', 'favicon.png', 'package.json', 'public'];

/** A Strapi app: the test site, but with a `src/index.js` of its own. */
export interface SiteWithCode {
  /** For a process that `startSiteProcess` starts. */
  env: { SITE_APP_DIR: string };
  remove(): Promise<void>;
}

export async function makeSiteWithCode(indexFile: string): Promise<SiteWithCode> {
  const directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-code-'));
  // Strapi finds extensions by a pattern, which follows no links.
  await cp(path.join(APP_DIR, 'src'), path.join(directory, 'src'), { recursive: true });
  for (const name of SHARED) await symlink(path.join(APP_DIR, name), path.join(directory, name));
  await symlink(NODE_MODULES, path.join(directory, 'node_modules'));
  await copyFile(path.join(import.meta.dirname, indexFile), path.join(directory, 'src/index.js'));
  return { env: { SITE_APP_DIR: directory }, remove: () => rm(directory, { recursive: true }) };
}
