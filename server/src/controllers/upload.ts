import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { z } from 'zod';
import { configOf } from '../config';
import { VodError } from '../errors';
import { keepQuietOnLeaving } from '../leaving-client';
import { getService } from '../services/get-service';
import type { UploadRefusal } from '../services/incoming-films/upload-fate';
import { refusalBody, refusalOf } from '../services/resumable-upload/answers';
import { parseUploadChecksum, type UploadChecksum } from '../storage/upload-checksum';
import type { VerifiedUpload } from '../tokens/upload-token';

const requestSchema = z.strictObject({
  fileName: z.string().min(1).max(255),
  sizeBytes: z.number().int().positive(),
  mime: z.string().max(127).optional(),
  folderId: z.number().int().positive().nullish(),
  /** Id of the Media Library file whose film is replaced by this one. */
  replaces: z.number().int().positive().nullish(),
});
const adminSchema = z.object({ id: z.union([z.number(), z.string()]).transform(String) });

/** Told as early as can be; the room is held from the first request of the upload on. */
async function unlessRefused<T>(act: () => Promise<T>): Promise<{ done: T } | { refusal: UploadRefusal }> {
  try {
    return { done: await act() };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal) return { refusal };
    throw error;
  }
}

/** POST /protected-vod/uploads (admin): a ticket for one resumable upload. */
export function createUploadController({ strapi }: { strapi: Core.Strapi }) {
  return {
    async create(ctx: Context): Promise<void> {
      const body = requestSchema.safeParse(ctx.request.body);
      if (!body.success) throw new errors.ValidationError(z.prettifyError(body.error));
      const admin = adminSchema.safeParse(ctx.state.user);
      if (!admin.success) throw new errors.ForbiddenError('Only a signed-in administrator can upload.');
      const { fileName, sizeBytes, folderId = null, replaces = null } = body.data;
      if (sizeBytes > configOf(strapi).upload.maxBytes) {
        throw new errors.PayloadTooLargeError(`“${fileName}” is larger than this site allows.`);
      }
      if (folderId !== null && !(await getService(strapi, 'media-folder').exists(folderId))) {
        throw new errors.ValidationError('This folder does not exist.');
      }
      await getService(strapi, 'media-file').checkName(fileName);
      ctx.set('Cache-Control', 'no-store');
      const film = { adminId: admin.data.id, fileName, sizeBytes, folderId, replaces };
      const issued = await unlessRefused(async () => {
        await getService(strapi, 'incoming-films').room.check({ fileName, sizeBytes });
        return getService(strapi, 'resumable-upload').issue(film);
      });
      ctx.status = 'refusal' in issued ? issued.refusal.status : 201;
      ctx.body = 'refusal' in issued ? refusalBody(issued.refusal) : { data: issued.done };
    },
  };
}

function tokenOf(ctx: Context): string {
  const own = ctx.get('Upload-Token');
  if (own !== '') return own;
  return /^Bearer +(\S+)$/i.exec(ctx.get('Authorization'))?.[1] ?? '';
}

/** tus 1.0.0, checksum extension: 400 for an algorithm that the server does not know. */
function checksumOf(ctx: Context): UploadChecksum | null {
  const header = ctx.get('Upload-Checksum');
  if (header === '') return null;
  try {
    return parseUploadChecksum(header);
  } catch (error) {
    if (!(error instanceof VodError)) throw error;
    throw new errors.ValidationError(error.message, { code: error.code });
  }
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
    let claims: VerifiedUpload | null = null;
    try {
      // tus 1.0.0, OPTIONS: asked before anything is known of the client.
      if (ctx.method !== 'OPTIONS') claims = await uploads.verify(tokenOf(ctx));
    } catch (error) {
      if (!(error instanceof VodError)) throw error;
      if (error.code !== 'upload-token-invalid') throw new errors.ApplicationError('Uploads are not configured.');
      throw new errors.UnauthorizedError(error.message, { code: error.code });
    }
    const checksum = checksumOf(ctx);
    ctx.respond = false;
    keepQuietOnLeaving(ctx);
    await uploads.handle(ctx.req, ctx.res, { claims, checksum });
  };
}
