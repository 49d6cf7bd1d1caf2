import type { Core } from '@strapi/strapi';
import type { Context, Next } from 'koa';
import type { UploadedFilm } from '../../contracts';
import { getService } from '../services/get-service';
import { markedAsset } from '../services/protected-mark';

/** Strapi answers one file where one was replaced, and a list otherwise. */
function filesIn(body: unknown): object[] {
  return [body].flat().filter((file): file is object => typeof file === 'object' && file !== null);
}

async function addVerdicts(strapi: Core.Strapi, body: unknown): Promise<void> {
  const films = filesIn(body).flatMap((file) => {
    const assetId = markedAsset(file);
    return assetId === null ? [] : [{ file, assetId }];
  });
  if (films.length === 0) return;
  const assets = await getService(strapi, 'asset').findMany(films.map(({ assetId }) => assetId));
  for (const { file, assetId } of films) {
    const asset = assets.get(assetId);
    if (!asset) continue;
    const { verdict = null, verdictReason = null, verdictSentence = null } = asset;
    Object.assign(file, {
      protectedVod: { assetId, verdict, verdictReason, verdictSentence } satisfies UploadedFilm,
    });
  }
}

/**
 * Whoever uploads a film through the Media Library learns in the answer what became of it, under `protectedVod`. Nothing
 * of that is kept in the file's row, which is public through REST.
 */
export function createUploadAnswers(strapi: Core.Strapi) {
  const paths = new Set(['/upload', `${strapi.config.get('api.rest.prefix', '/api')}/upload`]);
  return async function tellVerdicts(ctx: Context, next: Next): Promise<void> {
    await next();
    if (ctx.method !== 'POST' || !paths.has(ctx.path) || ctx.status >= 300) return;
    // The film is stored: a failure here must not make it look lost.
    await addVerdicts(strapi, ctx.body).catch((error: unknown) => strapi.log.error(error));
  };
}
