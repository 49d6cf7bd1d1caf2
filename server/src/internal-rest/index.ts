import type { IncomingMessage } from 'node:http';
import type { Core } from '@strapi/strapi';
import type { Context, Next } from 'koa';
import { introspectionRequestSchema, PLUGIN_ID, posterRequestSchema, syncRequestSchema } from '../../contracts';
import { getService } from '../services/get-service';
import { type Answer, refusal } from './answer';
import { isIngest } from './is-ingest';
import { isOperator } from './is-operator';
import { isStreamer } from './is-streamer';
import { jobEndpoint } from './jobs';
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

async function poster(strapi: Core.Strapi, body: unknown): Promise<Answer> {
  const request = posterRequestSchema.safeParse(body);
  if (!request.success) return refusal(400, 'malformed-request');
  return { status: 200, body: await getService(strapi, 'posters').find(request.data.credential) };
}

type Endpoint = (strapi: Core.Strapi, body: unknown) => Answer | Promise<Answer>;

const STREAMER_ENDPOINTS = new Map<string, Endpoint>([
  ['introspect', introspect],
  ['sync', sync],
  ['poster', poster],
]);

/** One door: who may use it, and what is behind it. */
interface Door {
  prefix: string;
  admits(strapi: Core.Strapi, request: IncomingMessage): boolean;
  endpoint(name: string): Endpoint | null;
}

/** The last one has what is behind no other. */
const DOORS: readonly Door[] = [
  { prefix: 'operator/', admits: isOperator, endpoint: (name) => OPERATOR_ENDPOINTS.get(name) ?? null },
  { prefix: 'jobs/', admits: (strapi, { headers }) => isIngest(strapi, headers), endpoint: jobEndpoint },
  {
    prefix: '',
    admits: (strapi, { headers }) => isStreamer(strapi, headers),
    endpoint: (name) => STREAMER_ENDPOINTS.get(name) ?? null,
  },
];

async function answer(strapi: Core.Strapi, ctx: Context, name: string): Promise<Answer> {
  const door = DOORS.find(({ prefix }) => name.startsWith(prefix));
  // Before anything is read: who may not ask learns nothing, not even which endpoints there are.
  if (!door?.admits(strapi, ctx.req)) return refusal(403, 'forbidden');
  const endpoint = ctx.method === 'POST' ? door.endpoint(name.slice(door.prefix.length)) : null;
  if (!endpoint) return refusal(404, 'not-found');
  try {
    return await endpoint(strapi, await readJson(ctx.req));
  } catch (error) {
    strapi.log.error(`protected-vod: ${name} failed: ${error instanceof Error ? error.message : 'unknown'}`);
    return refusal(500, 'internal');
  }
}

/**
 * POST /api/protected-vod/internal/{introspect,sync,poster}: what streamers call; …/jobs/{claim,:id/report}: what ingest workers
 * call; …/operator/…: what the CLI calls. Middleware ahead of Strapi's own, because a
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
