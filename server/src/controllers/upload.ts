import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { z } from 'zod';
import { configOf } from '../config';
import { VodError } from '../errors';
import { keepQuietOnLeaving } from '../leaving-client';
import { getService } from '../services/get-service';
import type { UploadClaims } from '../tokens/upload-token';

const requestSchema = z.strictObject({
  fileName: z.string().min(1).max(255),
  sizeBytes: z.number().int().positive(),
  mime: z.string().max(127).optional(),
  folderId: z.number().int().positive().nullish(),
});
const adminSchema = z.object({ id: z.union([z.number(), z.string()]).transform(String) });

/** POST /protected-vod/uploads (admin): a ticket for one resumable upload. */
export function createUploadController({ strapi }: { strapi: Core.Strapi }) {
  return {
    async create(ctx: Context): Promise<void> {
      const body = requestSchema.safeParse(ctx.request.body);
      if (!body.success) throw new errors.ValidationError(z.prettifyError(body.error));
      const admin = adminSchema.safeParse(ctx.state.user);
      if (!admin.success) throw new errors.ForbiddenError('Only a signed-in administrator can upload.');
      const { fileName, sizeBytes, folderId = null } = body.data;
      if (sizeBytes > configOf(strapi).upload.maxBytes) {
        throw new errors.PayloadTooLargeError(`“${fileName}” is larger than this site allows.`);
      }
      if (folderId !== null && !(await getService(strapi, 'media-folder').exists(folderId))) {
        throw new errors.ValidationError('This folder does not exist.');
      }
      await getService(strapi, 'media-file').checkName(fileName);
      const film = { adminId: admin.data.id, fileName, sizeBytes, folderId };
      ctx.set('Cache-Control', 'no-store');
      ctx.status = 201;
      ctx.body = { data: await getService(strapi, 'resumable-upload').issue(film) };
    },
  };
}

function tokenOf(ctx: Context): string {
  const own = ctx.get('Upload-Token');
  if (own !== '') return own;
  return /^Bearer +(\S+)$/i.exec(ctx.get('Authorization'))?.[1] ?? '';
}

/**
 * `/api/protected-vod/uploads[/:id]`: tus 1.0.0. The token opens one upload; GET is no method here, so bytes only ever
 * go in (S23).
 */
export function createTusHandler(strapi: Core.Strapi, methods: readonly string[]) {
  return async function handleTus(ctx: Context): Promise<void> {
    if (!methods.includes(ctx.method)) {
      ctx.set('Allow', methods.join(', '));
      ctx.status = 405;
      return;
    }
    const uploads = getService(strapi, 'resumable-upload');
    let claims: UploadClaims | null = null;
    try {
      // tus 1.0.0, OPTIONS: asked before anything is known of the client.
      if (ctx.method !== 'OPTIONS') claims = await uploads.verify(tokenOf(ctx));
    } catch (error) {
      if (!(error instanceof VodError)) throw error;
      if (error.code !== 'upload-token-invalid') throw new errors.ApplicationError('Uploads are not configured.');
      throw new errors.UnauthorizedError(error.message, { code: error.code });
    }
    ctx.respond = false;
    keepQuietOnLeaving(ctx);
    await uploads.handle(ctx.req, ctx.res, claims);
  };
}
