import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { z } from 'zod';
import { documentIdSchema } from '../../contracts';
import { getService } from '../services/get-service';
import type { Origin } from '../tokens/playback-token';
import { refuse } from './refusal';
import { ifConfigured } from './unconfigured';

const localeSchema = z.string().regex(/^[A-Za-z0-9-]{1,32}$/);

/** Answers with a playback token of `video` in the locale that the query names, or with a refusal. */
export async function answerWithToken(
  strapi: Core.Strapi,
  ctx: Context,
  asked: { origin: Origin; video: unknown },
): Promise<void> {
  const video = documentIdSchema.safeParse(asked.video);
  const locale = localeSchema.nullable().safeParse(ctx.query.locale ?? null);
  if (!video.success || !locale.success) return refuse(ctx, 'not-found');
  await ifConfigured(strapi, ctx, async () => {
    const question = { origin: asked.origin, video: video.data, locale: locale.data };
    const minted = await getService(strapi, 'playback-token').mint(question, ctx.request.origin);
    if (minted.allow) ctx.body = minted.answer;
    // The same for every link that opens nothing, also for one that never was: no reference tells them apart.
    else refuse(ctx, minted.refusal, minted.refusal === 'link-refused' ? {} : { reference: minted.reference });
  });
}
