import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { z } from 'zod';
import { documentIdSchema } from '../../contracts';
import { VodError } from '../errors';
import { getService } from '../services/get-service';
import { refuse, refuseForNow } from './refusal';
import { apiTokenOf, originNamedIn, originOfRequest } from './request-origin';

/** Failures that an operator mends by configuration; the log says how. */
const UNCONFIGURED = ['secret-refused', 'not-configured'];

const localeSchema = z.string().regex(/^[A-Za-z0-9-]{1,32}$/);

/** POST /api/protected-vod/videos/:documentId/playback-token; API tokens may send whom it is for: `{ user }` or `{ subject }`. */
export function createPlaybackController({ strapi }: { strapi: Core.Strapi }) {
  return {
    async create(ctx: Context): Promise<void> {
      // A token is for one viewer: no cache may keep it.
      ctx.set('Cache-Control', 'no-store');
      const caller = originOfRequest(ctx);
      if (!caller) return refuse(ctx, 'login-required');
      const origin = originNamedIn(ctx, caller);
      if (!origin) return refuse(ctx, 'not-entitled');
      const rate = getService(strapi, 'rate-limits').mint(ctx.req, origin, apiTokenOf(ctx));
      if (rate.limited) return refuseForNow(ctx, rate.retryAfterSeconds);
      const video = documentIdSchema.safeParse(ctx.params.documentId);
      const locale = localeSchema.nullable().safeParse(ctx.query.locale ?? null);
      if (!video.success || !locale.success) return refuse(ctx, 'not-found');
      try {
        const mint = getService(strapi, 'playback-token');
        const minted = await mint.mint({ origin, video: video.data, locale: locale.data }, ctx.request.origin);
        if (minted.allow) ctx.body = minted.answer;
        else refuse(ctx, minted.refusal, { reference: minted.reference });
      } catch (error) {
        if (!(error instanceof VodError) || !UNCONFIGURED.includes(error.code)) throw error;
        strapi.log.error(error.message);
        refuse(ctx, 'not-configured');
      }
    },
  };
}
