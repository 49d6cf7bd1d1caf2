import type { Core } from '@strapi/strapi';
import type { Context, Next } from 'koa';
import { introspectionRequestSchema, PLUGIN_ID, syncRequestSchema } from '../../contracts';
import { getService } from '../services/get-service';
import { type Answer, refusal } from './answer';
import { isOperator } from './is-operator';
import { isStreamer } from './is-streamer';
import { readJson } from './json-body';
import { OPERATOR_ENDPOINTS } from './operator';

async function introspect(strapi: Core.Strapi, body: unknown): Promise<Answer> {
  const request = introspectionRequestSchema.safeParse(body);
  if (!request.success) return refusal(400, 'malformed-request');
  return { status: 200, body: await getService(strapi, 'introspection').introspect(request.data) };
}

async function sync(strapi: Core.Strapi, body: unknown): Promise<Answer> {
  const request = syncRequestSchema.safeParse(body);
  if (!request.success) return refusal(400, 'malformed-request');
  const response = await getService(strapi, 'sync').sync(request.data);
  const streamers = getService(strapi, 'external-streamers');
  if (request.data.leaving) streamers.left(request.data.bootId);
  else streamers.synced(request.data.bootId, request.data.version);
  return response ? { status: 200, body: response } : refusal(409, 'stale-sequence');
}

const STREAMER_ENDPOINTS = new Map<string, typeof introspect>([
  ['introspect', introspect],
  ['sync', sync],
]);

const OPERATOR = 'operator/';

async function answer(strapi: Core.Strapi, ctx: Context, name: string): Promise<Answer> {
  const isForOperator = name.startsWith(OPERATOR);
  // Before anything is read: who may not ask learns nothing, not even which endpoints there are.
  const mayAsk = isForOperator ? isOperator(strapi, ctx.req) : isStreamer(strapi, ctx.req.headers);
  if (!mayAsk) return refusal(403, 'forbidden');
  const known = isForOperator ? OPERATOR_ENDPOINTS.get(name.slice(OPERATOR.length)) : STREAMER_ENDPOINTS.get(name);
  const endpoint = ctx.method === 'POST' ? known : undefined;
  if (!endpoint) return refusal(404, 'not-found');
  try {
    return await endpoint(strapi, await readJson(ctx.req));
  } catch (error) {
    strapi.log.error(`protected-vod: ${name} failed: ${error instanceof Error ? error.message : 'unknown'}`);
    return refusal(500, 'internal');
  }
}

/**
 * POST /api/protected-vod/internal/{introspect,sync}: what streamers call; …/operator/…: what the CLI calls. Middleware ahead of Strapi's own, because a
 * sync a second would fill Strapi's request log, and not a route, because routes show up in the roles editor.
 */
export function createInternalRest(strapi: Core.Strapi) {
  const mount = `${strapi.config.get('api.rest.prefix', '/api')}/${PLUGIN_ID}/internal/`;
  return async function internalRest(ctx: Context, next: Next): Promise<void> {
    if (!ctx.path.startsWith(mount)) return next();
    ctx.set('Cache-Control', 'no-store');
    Object.assign(ctx, await answer(strapi, ctx, ctx.path.slice(mount.length)));
  };
}
