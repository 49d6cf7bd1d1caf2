import type { Core, UID } from '@strapi/strapi';
import type { Context } from 'koa';
import { z } from 'zod';
import { VIDEO_UID } from '../content-types/uids';
import { getService } from '../services/get-service';
import { FILE_UID } from '../services/protected-mark';
import { leadsTo } from './leads-to';
import { videosWithin } from './videos-within';

const PARAM = 'playback';

const routeSchema = z.object({ request: z.object({ query: z.record(z.string(), z.unknown()) }) });

const ownerSchema = z.object({
  handler: z.string().optional().catch(undefined),
  info: z.object({ apiName: z.string().optional(), pluginName: z.string().optional() }),
});

/** The content type that a route answers by the name of its controller; where that is of none, all of its API or plugin. */
function typesOf(strapi: Core.Strapi, route: unknown): string[] {
  const { handler = '', info } = ownerSchema.safeParse(route).data ?? {};
  if (!info) return [];
  const namespace = info.apiName === undefined ? `plugin::${info.pluginName}` : `api::${info.apiName}`;
  const controller = handler.trim().slice(0, handler.trim().lastIndexOf('.'));
  const uids = Object.keys(strapi.contentTypes);
  const own = uids.find((uid) => uid === controller || uid === `${namespace}.${controller}`);
  return own === undefined ? uids.filter((uid) => uid.startsWith(`${namespace}.`)) : [own];
}

/** Elsewhere a parameter of this name is the site's own. */
function canHoldVideos(strapi: Core.Strapi, route: unknown): boolean {
  const attributesOf = (uid: string) =>
    uid === FILE_UID ? null : (strapi.getModel(uid as UID.Schema)?.attributes ?? null);
  return typesOf(strapi, route).some((uid) => leadsTo(attributesOf, uid, VIDEO_UID));
}

/** Only where Strapi has been told of the parameter: not in GraphQL, nor in a request that writes. */
function asksForPlayback(ctx: Context): boolean {
  if (ctx.query[PARAM] !== 'true') return false;
  const route = routeSchema.safeParse(ctx.state.route).data;
  return route !== undefined && PARAM in route.request.query;
}

async function addPlayback(strapi: Core.Strapi, ctx: Context, uid: string, answer: unknown): Promise<void> {
  const playback = getService(strapi, 'video-playback').during(ctx);
  await Promise.all(
    videosWithin(strapi, uid, answer).map(async (video) => Object.assign(video, await playback.of(String(video.id)))),
  );
}

/**
 * `?playback=true` for every query of the content API whose answer can hold a video. What is answered passes through
 * `sanitize.output` as a whole, of content types and of users alike, and holds no more than its caller may see. Strapi's
 * own place for additions to it is asked about one row after the other, which would make a list cost as many decisions as
 * it has rows.
 */
export function offerPlayback(strapi: Core.Strapi): void {
  const { sanitize, addQueryParams } = strapi.contentAPI;
  addQueryParams({
    [PARAM]: {
      schema: (z) => z.enum(['true', 'false']).optional(),
      // Routes outlive their Strapi where one process starts several, as tests do, and take no parameter twice.
      matchRoute: (route) =>
        route.method === 'GET' &&
        !routeSchema.safeParse(route).data?.request.query[PARAM] &&
        canHoldVideos(strapi, route),
    },
  });
  const { output } = sanitize;
  sanitize.output = async (data, schema, options) => {
    const sanitized = await output(data, schema, options);
    const ctx = strapi.requestContext.get();
    if (ctx && asksForPlayback(ctx)) await addPlayback(strapi, ctx, schema.uid, sanitized);
    return sanitized;
  };
}
