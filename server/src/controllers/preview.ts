import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { requesterOf } from '../services/audit/requester';
import { getService } from '../services/get-service';
import type { Origin } from '../tokens/playback-token';
import { answerWithToken } from './minting';
import { refuse, refuseForNow } from './refusal';

/** POST /protected-vod/videos/:documentId/preview-token (admin): what editors see before anybody else does. */
export function createPreviewController({ strapi }: { strapi: Core.Strapi }) {
  return {
    async create(ctx: Context): Promise<void> {
      ctx.set('Cache-Control', 'no-store');
      const requester = requesterOf(strapi);
      // An administrator who signed in: an admin token would be nobody whose right could be looked at again (S8).
      if (requester?.kind !== 'admin' || requester.id === null) return refuse(ctx, 'not-entitled');
      const origin: Origin = { kind: 'admin', id: requester.id };
      const rate = getService(strapi, 'rate-limits').mint(ctx.req, origin, null);
      if (rate.limited) return refuseForNow(strapi, ctx, rate.retryAfterSeconds);
      await answerWithToken(strapi, ctx, { origin, video: ctx.params.documentId });
    },
  };
}
