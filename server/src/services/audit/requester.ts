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

function authOf(strapi: Core.Strapi) {
  const state: unknown = strapi.requestContext.get()?.state;
  return z.object({ auth: authSchema }).safeParse(state).data?.auth;
}

/** Who makes the request that this code runs in, as Strapi's authentication found; null: nobody, or no request. */
export function requesterOf(strapi: Core.Strapi): AuditParty | null {
  const auth = authOf(strapi);
  const kind = KINDS.get(auth?.strategy.name ?? '');
  if (!auth || kind === undefined) return null;
  const id = auth.credentials?.id ?? null;
  return kind === 'user' && id === null ? { kind: 'public', id } : { kind, id };
}

/** The role type with which a site's user asks; null where there is none. */
export function requesterRole(strapi: Core.Strapi): string | null {
  const auth = authOf(strapi);
  if (auth?.strategy.name !== 'users-permissions') return null;
  return auth.credentials ? (auth.credentials.role?.type ?? null) : 'public';
}

/** The administrator who makes the request, if one does. */
export function adminOf(strapi: Core.Strapi): AuditParty | null {
  const requester = requesterOf(strapi);
  return requester?.kind.startsWith('admin') ? requester : null;
}

/** Of whoever makes the request; forged headers change nothing (S16). */
export function requesterPrefix(strapi: Core.Strapi): string | null {
  const request = strapi.requestContext.get()?.req;
  return request ? getService(strapi, 'rate-limits').prefixOf(request) : null;
}
