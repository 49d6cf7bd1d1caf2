import type { Core } from '@strapi/strapi';
import { PLUGIN_ID } from '../../contracts';
import { contentTypes } from '../content-types';
import { VIDEO_UID } from '../content-types/uids';
import { graphqlExtension, type Resolver } from './extension';

const QUERIES = ['protectedVodVideo', 'protectedVodVideos', 'protectedVodVideos_connection'];

/** Drafts are for editors, as in REST: whatever `status` a query names, it gets what is published (S10). */
const publishedOnly = (next: Resolver, ...[parent, args, ...rest]: Parameters<Resolver>) =>
  next(parent, { ...args, status: 'published' }, ...rest);

/** GraphQL makes a type of every content type; the plugin's own records stay out, and videos are read-only there. */
export function limitGraphql(strapi: Core.Strapi): void {
  const extension = graphqlExtension(strapi);
  if (!extension) return;
  for (const name of Object.keys(contentTypes)) {
    const uid = `plugin::${PLUGIN_ID}.${name}`;
    if (uid !== VIDEO_UID) extension.shadowCRUD(uid).disable();
  }
  extension.shadowCRUD(VIDEO_UID).disableMutations();
  // Strapi joins drafts too when it filters by other locales: the answer would tell what they say.
  extension.shadowCRUD(VIDEO_UID).field('localizations').disableFilters();
  const config = { middlewares: [publishedOnly] };
  extension.use({ resolversConfig: Object.fromEntries(QUERIES.map((name) => [`Query.${name}`, config])) });
}
