import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { getService } from '../services/get-service';
import { abilityOf } from './admin-ability';

/** `GET /protected-vod/assets/:documentId`, for administrators who may look at the film's file. */
export function createAssetController({ strapi }: { strapi: Core.Strapi }) {
  return {
    async find(ctx: Context): Promise<void> {
      const data = await getService(strapi, 'asset-overview').behind(String(ctx.params.documentId), abilityOf(ctx));
      if (data.length === 0) ctx.notFound();
      else ctx.body = { data };
    },
  };
}
