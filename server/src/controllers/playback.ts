import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { z } from 'zod';
import { getService } from '../services/get-service';
import type { Origin } from '../tokens/playback-token';
import { answerWithToken } from './minting';
import { refuse, refuseForNow } from './refusal';

/** Strapi's name for API tokens of the content API; the second is the one that older 5.x versions use. */
const API_TOKEN_STRATEGIES = ['content-api-token', 'api-token'];

const authSchema = z.object({
  strategy: z.object({ name: z.string() }),
  credentials: z.object({ id: z.union([z.string(), z.number()]) }).nullish(),
});

/** Whom Strapi's own authentication found behind the request; null: nobody it can name. */
function originOfRequest(ctx: Context): Origin | null {
  const auth = authSchema.safeParse(ctx.state.auth).data;
  if (!auth) return null;
  const id = auth.credentials ? String(auth.credentials.id) : null;
  if (API_TOKEN_STRATEGIES.includes(auth.strategy.name) && id !== null) return { kind: 'api-token', id };
  if (auth.strategy.name !== 'users-permissions') return null;
  return id === null ? { kind: 'public' } : { kind: 'user', id };
}

function apiTokenOfRequest(ctx: Context): string | null {
  const auth = authSchema.safeParse(ctx.state.auth).data;
  return auth?.credentials && API_TOKEN_STRATEGIES.includes(auth.strategy.name) ? String(auth.credentials.id) : null;
}

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
      await answerWithToken(strapi, ctx, { origin, video: ctx.params.documentId });
    },
  };
}
