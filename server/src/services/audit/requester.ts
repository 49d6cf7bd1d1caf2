import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { AuditParty } from '../../../contracts';
import { getService } from '../get-service';

const authSchema = z.object({
  strategy: z.object({ name: z.string() }),
  credentials: z
    .object({
      id: z.union([z.string(), z.number()]).transform(String),
      role: z.object({ type: z.string() }).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});

/** Strapi's names of its strategies, some of them older, and ours of who is behind each. */
const KINDS = new Map([
  ['admin', 'admin'],
  ['admin-token', 'admin-token'],
  ['users-permissions', 'user'],
  ['content-api-token', 'api-token'],
  ['api-token', 'api-token'],
]);

const stateSchema = z.object({
  auth: authSchema,
  /** Of an admin token: the administrator whose it is. */
  user: z
    .object({ id: z.union([z.string(), z.number()]).transform(String) })
    .nullish()
    .catch(null),
});

function stateOf(strapi: Core.Strapi) {
  const state: unknown = strapi.requestContext.get()?.state;
  return stateSchema.safeParse(state).data;
}

/** Who makes the request that this code runs in, as Strapi's authentication found; null: nobody, or no request. */
export function requesterOf(strapi: Core.Strapi): AuditParty | null {
  const { auth, user } = stateOf(strapi) ?? {};
  const kind = KINDS.get(auth?.strategy.name ?? '');
  if (!auth || kind === undefined) return null;
  const id = auth.credentials?.id ?? null;
  if (kind === 'user' && id === null) return { kind: 'public', id };
  return { kind, id, ...(kind === 'admin-token' && user && { owner: user.id }) };
}

/** The role type with which a site's user asks; null where there is none. */
export function requesterRole(strapi: Core.Strapi): string | null {
  const { auth } = stateOf(strapi) ?? {};
  if (auth?.strategy.name !== 'users-permissions') return null;
  return auth.credentials ? (auth.credentials.role?.type ?? null) : 'public';
}

/** The administrator who makes the request, or the admin token, if one does. */
export function adminOf(strapi: Core.Strapi): AuditParty | null {
  const requester = requesterOf(strapi);
  return requester?.kind.startsWith('admin') ? requester : null;
}

/** Id of the administrator who answers for the request; an admin token's is its owner. */
export function adminIdOf(strapi: Core.Strapi): string | null {
  const admin = adminOf(strapi);
  return admin?.kind === 'admin' ? admin.id : (admin?.owner ?? null);
}

/** Of whoever makes the request; forged headers change nothing (S16). */
export function requesterPrefix(strapi: Core.Strapi): string | null {
  const request = strapi.requestContext.get()?.req;
  return request ? getService(strapi, 'rate-limits').prefixOf(request) : null;
}
