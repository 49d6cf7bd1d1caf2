import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { z } from 'zod';
import type { AdminAbility } from '../services/admin-rights';
import { getService } from '../services/get-service';

const abilitySchema = z.custom<AdminAbility>(
  (value) => typeof value === 'object' && value !== null && 'can' in value && typeof value.can === 'function',
);

/** `GET /protected-vod/assets/:documentId`, for administrators who may look at the film's file. */
export function createAssetController({ strapi }: { strapi: Core.Strapi }) {
  return {
    async find(ctx: Context): Promise<void> {
      const ability = abilitySchema.safeParse(ctx.state.userAbility);
      if (!ability.success) throw new errors.ForbiddenError('Only a signed-in administrator can read this.');
      const data = await getService(strapi, 'asset-overview').behind(String(ctx.params.documentId), ability.data);
      if (data.length === 0) ctx.notFound();
      else ctx.body = { data };
    },
  };
}
