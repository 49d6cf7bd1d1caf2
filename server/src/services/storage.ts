import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { configOf } from '../config';
import { openStorageRoot } from '../storage/storage-root';
import { STRATEGIES } from '../storage/strategies';

/** The site's storage root. Opening it makes its directories; throws `storage-unsafe-root` if it overlaps `public/`. */
export function createStorageService({ strapi }: { strapi: Core.Strapi }) {
  const { storage } = configOf(strapi);
  const root = openStorageRoot(path.resolve(strapi.dirs.app.root, storage.root), strapi.dirs.static.public);
  return { root, strategy: STRATEGIES[storage.strategy] };
}
