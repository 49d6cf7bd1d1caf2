import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { getService } from '../services/get-service';
import { apiTokenOfRequest, originOfRequest } from '../services/request-caller';
import { answerWithToken } from './minting';
import { refuse, refuseForNow } from './refusal';
import { originNamedIn } from './request-origin';

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
      const rate = getService(strapi, 'rate-limits').mint(ctx.req, origin, apiTokenOfRequest(ctx));
      if (rate.limited) return refuseForNow(strapi, ctx, rate.retryAfterSeconds);
      await answerWithToken(strapi, ctx, { origin, video: ctx.params.documentId });
    },
  };
}
