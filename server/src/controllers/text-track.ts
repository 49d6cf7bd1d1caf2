import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { z } from 'zod';
import { assetIdSchema, TEXT_PROBLEMS, textTrackIdSchema, textTrackQuerySchema } from '../../contracts';
import { VodError } from '../errors';
import { CHANGE_FILES, READ_FILES } from '../services/admin-rights';
import { getService } from '../services/get-service';
import { TextRefused } from '../services/text-tracks';
import { abilityOf } from './admin-ability';
import { readTextBody } from './text-body';

function sentenceOf({ problem: { code, line } }: TextRefused): string {
  return line === null ? TEXT_PROBLEMS[code] : `Line ${line}: ${TEXT_PROBLEMS[code]}`;
}

/** What the service throws, in Strapi's words. */
async function answering<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof TextRefused) throw new errors.ValidationError(sentenceOf(error), error.problem);
    if (!(error instanceof VodError)) throw error;
    if (error.code === 'asset-missing') throw new errors.NotFoundError();
    if (error.code !== 'storage-busy') throw error;
    throw new errors.ApplicationError('Others are changing this film. Try again.', { code: error.code });
  }
}

/** `/protected-vod/assets/:assetId/text-tracks`, for administrators who may look at the film's file, or change it. */
export function createTextTrackController({ strapi }: { strapi: Core.Strapi }) {
  const texts = () => getService(strapi, 'text-tracks');

  /** A film of others is one that is not there. */
  async function permittedAsset(ctx: Context, action: string): Promise<string> {
    const ability = abilityOf(ctx);
    const asset = assetIdSchema.safeParse(ctx.params.assetId);
    if (!asset.success) throw new errors.NotFoundError();
    if (await getService(strapi, 'asset-overview').permits(asset.data, ability, action)) return asset.data;
    throw new errors.NotFoundError();
  }

  return {
    async find(ctx: Context): Promise<void> {
      ctx.body = { data: await texts().list(await permittedAsset(ctx, READ_FILES)) };
    },

    async create(ctx: Context): Promise<void> {
      const asset = await permittedAsset(ctx, CHANGE_FILES);
      const facts = textTrackQuerySchema.safeParse(ctx.query);
      if (!facts.success) throw new errors.ValidationError(z.prettifyError(facts.error));
      const bytes = await readTextBody(ctx);
      if (bytes === null) {
        ctx.throw(415, 'Send the text as application/octet-stream.');
        return;
      }
      ctx.body = { data: await answering(texts().add(asset, facts.data, bytes)) };
      ctx.status = 201;
    },

    async delete(ctx: Context): Promise<void> {
      const asset = await permittedAsset(ctx, CHANGE_FILES);
      const id = textTrackIdSchema.safeParse(ctx.params.id);
      const isRemoved = id.success && (await answering(texts().remove(asset, id.data)));
      if (isRemoved) ctx.status = 204;
      else ctx.notFound();
    },
  };
}
