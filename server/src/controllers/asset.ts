import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { z } from 'zod';
import { assetQuerySchema } from '../../contracts';
import type { AdminAbility } from '../services/film-report';
import { getService } from '../services/get-service';
import { validated } from './validated';

const abilitySchema = z.custom<AdminAbility>(
  (value) => typeof value === 'object' && value !== null && 'can' in value && typeof value.can === 'function',
);

function abilityOf(ctx: Context): AdminAbility {
  const ability = abilitySchema.safeParse(ctx.state.userAbility);
  if (!ability.success) throw new errors.ForbiddenError('Only a signed-in administrator can read this.');
  return ability.data;
}

/** `GET /protected-vod/assets` (admin): what is known of stored films, for editors who may look at their files. */
export function createAssetController({ strapi }: { strapi: Core.Strapi }) {
  return {
    async find(ctx: Context): Promise<void> {
      const { video } = validated(assetQuerySchema, ctx.query);
      ctx.body = { data: await getService(strapi, 'film-report').ofVideo(video, abilityOf(ctx)) };
    },
    async findOne(ctx: Context): Promise<void> {
      const data = await getService(strapi, 'film-report').findOne(ctx.params.id, abilityOf(ctx));
      if (data === null) ctx.notFound();
      else ctx.body = { data };
    },
  };
}
