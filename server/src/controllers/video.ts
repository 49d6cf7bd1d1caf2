import { factories } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { VIDEO_UID } from '../content-types/uids';

/** Strapi joins drafts too when it filters or sorts by other locales: the answer would tell what they say. */
function asksForOtherLocales({ filters, sort }: Context['query']): boolean {
  // A key, not a text that is looked for: quotes within a text would be escaped.
  return /"localizations":/.test(JSON.stringify(filters) ?? '') || /\blocalizations\b/.test(JSON.stringify(sort) ?? '');
}

/** Drafts are for editors: whatever the query asks for, the content API shows what is published (S10). */
function publishedOnly(ctx: Context): void {
  if (asksForOtherLocales(ctx.query)) {
    throw new errors.ValidationError('Videos are neither filtered nor sorted by localizations.');
  }
  ctx.query = { ...ctx.query, status: 'published' };
}

/** GET /api/protected-vod/videos and /videos/:documentId, validated and sanitised as Strapi's own collections are. */
export const video = factories.createCoreController(VIDEO_UID, () => ({
  find(ctx: Context) {
    publishedOnly(ctx);
    return super.find(ctx);
  },
  findOne(ctx: Context) {
    publishedOnly(ctx);
    return super.findOne(ctx);
  },
}));
