import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import type { z } from 'zod';
import { introspectionRequestSchema, syncRequestSchema } from '../../contracts';
import { getService } from '../services/get-service';

function parsedBody<Schema extends z.ZodType>(ctx: Context, schema: Schema): z.infer<Schema> | null {
  const { body } = ctx.request as { body?: unknown };
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  ctx.status = 400;
  ctx.body = { error: { code: 'malformed-request' } };
  return null;
}

/**
 * POST /api/protected-vod/internal/{introspect,sync}. Plain functions, not controller actions: an action would show up
 * as a tick box in the roles editor.
 */
export function createInternalHandlers(strapi: Core.Strapi) {
  return {
    async introspect(ctx: Context): Promise<void> {
      const request = parsedBody(ctx, introspectionRequestSchema);
      if (request) ctx.body = await getService(strapi, 'introspection').introspect(request);
    },
    async sync(ctx: Context): Promise<void> {
      const request = parsedBody(ctx, syncRequestSchema);
      if (!request) return;
      const response = await getService(strapi, 'sync').sync(request);
      if (!response) ctx.status = 409;
      ctx.body = response ?? { error: { code: 'stale-sequence' } };
    },
  };
}
