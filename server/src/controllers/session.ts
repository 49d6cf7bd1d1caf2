import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { sessionQuerySchema, sessionRowIdSchema, sessionsEndRequestSchema } from '../../contracts';
import { getService } from '../services/get-service';
import { validated } from './validated';

/** `/protected-vod/sessions`, for administrators who may see or end them. */
export function createSessionController({ strapi }: { strapi: Core.Strapi }) {
  const directory = () => getService(strapi, 'session-directory');
  return {
    async find(ctx: Context): Promise<void> {
      const { data, next } = await directory().list(validated(sessionQuerySchema, ctx.query));
      ctx.body = { data, meta: { next } };
    },
    async end(ctx: Context): Promise<void> {
      const id = sessionRowIdSchema.safeParse(ctx.params.id);
      const ended = id.success ? await directory().end(id.data) : null;
      if (ended === null) ctx.notFound();
      else ctx.body = { data: { ended } };
    },
    async endMany(ctx: Context): Promise<void> {
      const scope = validated(sessionsEndRequestSchema, ctx.request.body);
      const ended = 'video' in scope ? directory().endOfVideo(scope.video) : directory().endOf(scope);
      ctx.body = { data: { ended: await ended } };
    },
  };
}
