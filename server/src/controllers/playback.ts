import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { z } from 'zod';
import { documentIdSchema } from '../../contracts';
import { getService } from '../services/get-service';
import { isUnconfigured } from '../services/playback-token';
import { apiTokenOfRequest, originOfRequest } from '../services/request-caller';
import type { Origin } from '../tokens/playback-token';
import { refuse, refuseForNow } from './refusal';

const localeSchema = z.string().regex(/^[A-Za-z0-9-]{1,32}$/);

const bodySchema = z.object({ user: z.unknown() });
const userIdSchema = z.union([z.number().int().positive(), z.string().regex(/^\d{1,19}$/)]).transform(String);

/** Who asks, or whom the API token that asks names; null: nobody who may be named by this caller. */
function originNamedIn(ctx: Context, caller: Origin): Origin | null {
  const named = bodySchema.safeParse(ctx.request.body).data?.user;
  if (named === undefined) return caller;
  const user = userIdSchema.safeParse(named);
  if (!user.success) throw new errors.ValidationError('`user` is not the id of a user.');
  return caller.kind === 'api-token' ? { kind: 'user', id: user.data, apiToken: caller.id } : null;
}

/** POST /api/protected-vod/videos/:documentId/playback-token; a full-access API token sends `{ user: <id> }`. */
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
        if (!isUnconfigured(error)) throw error;
        strapi.log.error(error.message);
        refuse(ctx, 'not-configured');
      }
    },
  };
}
