import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { getService } from '../services/get-service';

/** `/protected-vod/assets`, for administrators who may see what is stored. */
export function createAssetController({ strapi }: { strapi: Core.Strapi }) {
  return {
    async find(ctx: Context): Promise<void> {
      const data = await getService(strapi, 'asset-overview').behind(String(ctx.params.documentId));
      if (data.length === 0) ctx.notFound();
      else ctx.body = { data };
    },
  };
}
