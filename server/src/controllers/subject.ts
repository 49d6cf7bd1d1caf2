import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { z } from 'zod';
import { getService } from '../services/get-service';
import { answerNdjson } from './ndjson';
import { validated } from './validated';

const userIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'This is no id of a user.');

/** `/protected-vod/subjects/user/:id`: what is kept of one person. The user need not exist any more. */
export function createSubjectController({ strapi }: { strapi: Core.Strapi }) {
  return {
    export(ctx: Context): void {
      const id = validated(userIdSchema, ctx.params.id);
      answerNdjson(ctx, `protected-vod-user-${id}`, getService(strapi, 'subject-data').pages(id));
    },
    async erase(ctx: Context): Promise<void> {
      const id = validated(userIdSchema, ctx.params.id);
      ctx.body = { data: await getService(strapi, 'subject-data').erase(id) };
    },
  };
}
