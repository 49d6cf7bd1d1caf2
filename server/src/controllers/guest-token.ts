import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { guestAdmissionSchema } from '../../contracts';
import { getService } from '../services/get-service';
import { answerWithToken } from './minting';
import { refuse, refuseForNow } from './refusal';

/** POST /api/protected-vod/guest-links/playback-token: for whoever has a link, without any account. */
export function createGuestTokenHandler(strapi: Core.Strapi) {
  return async function guestToken(ctx: Context): Promise<void> {
    ctx.set('Cache-Control', 'no-store');
    // Guests share the limit of the visitors of their network.
    const rate = getService(strapi, 'rate-limits').mint(ctx.req, { kind: 'public' }, null);
    if (rate.limited) return refuseForNow(strapi, ctx, rate.retryAfterSeconds);
    const shown = guestAdmissionSchema.safeParse(ctx.request.body);
    // What has not even the shape of a link is no link.
    if (!shown.success) return refuse(ctx, 'link-refused');
    const admission = await getService(strapi, 'guest-links').admit(shown.data, ctx.req);
    if (admission.outcome === 'later') return refuseForNow(strapi, ctx, admission.retryAfterSeconds);
    if (admission.outcome === 'refused') return refuse(ctx, admission.refusal);
    const { documentId: id, video } = admission.link;
    await answerWithToken(strapi, ctx, { origin: { kind: 'guest-link', id }, video });
  };
}
