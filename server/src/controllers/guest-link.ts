import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { type GuestLinkEntry, guestLinkIdSchema, guestLinkQuerySchema, newGuestLinkSchema } from '../../contracts';
import { adminIdOf } from '../services/audit/requester';
import { getService } from '../services/get-service';
import { validated } from './validated';

/** `/protected-vod/guest-links`, for administrators who may see, make or revoke them. */
export function createGuestLinkController({ strapi }: { strapi: Core.Strapi }) {
  const links = () => getService(strapi, 'guest-links');
  const answerOne = async (ctx: Context, read: (id: string) => Promise<GuestLinkEntry | null>) => {
    const id = guestLinkIdSchema.safeParse(ctx.params.id);
    const entry = id.success ? await read(id.data) : null;
    if (entry) ctx.body = { data: entry };
    else ctx.notFound();
  };
  return {
    async find(ctx: Context): Promise<void> {
      const { data, next } = await links().list(validated(guestLinkQuerySchema, ctx.query));
      ctx.body = { data, meta: { next } };
    },
    findOne: (ctx: Context) => answerOne(ctx, (id) => links().find(id)),
    revoke: (ctx: Context) => answerOne(ctx, (id) => links().revoke(id, adminIdOf(strapi))),
    async create(ctx: Context): Promise<void> {
      // The only answer that ever holds the secret.
      ctx.set('Cache-Control', 'no-store');
      const wanted = validated(newGuestLinkSchema, ctx.request.body);
      if (!(await links().knowsVideo(wanted.video))) {
        throw new errors.ValidationError('There is no such video.', { video: wanted.video });
      }
      const made = await links().create(wanted, adminIdOf(strapi));
      if (made === null) throw new errors.RateLimitError();
      ctx.body = { data: { ...made.entry, link: made.secret } };
    },
  };
}
