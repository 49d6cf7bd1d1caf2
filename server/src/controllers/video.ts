import { factories } from '@strapi/strapi';
import type { Context } from 'koa';
import { VIDEO_UID } from '../content-types/uids';

/** Drafts are for editors: whatever the query asks for, the content API shows what is published (S10). */
function publishedOnly(ctx: Context): void {
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
