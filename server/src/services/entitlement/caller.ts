import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { Origin } from '../../tokens/playback-token';
import { type Denial, deny } from './decision';

/** The permission that editors tick in Users & Permissions → Roles. */
export const PLAYBACK_ACTION = 'plugin::protected-vod.playback.create';

export interface Caller {
  allow: true;
  /** Null for callers without a role, such as a custom API token. */
  role: string | null;
}

const roleSchema = z.object({ id: z.union([z.number(), z.string()]), type: z.string() });
const userSchema = z.object({
  blocked: z.boolean().nullish(),
  confirmed: z.boolean().nullish(),
  role: roleSchema.nullish(),
});
const apiTokenSchema = z.object({
  type: z.string(),
  expiresAt: z.coerce.date().nullish(),
  permissions: z.array(z.object({ action: z.string() })).nullish(),
});

type Role = z.infer<typeof roleSchema>;

async function callerOfRole(strapi: Core.Strapi, role: Role, anonymous: boolean): Promise<Caller | Denial> {
  const held = await strapi.db
    .query('plugin::users-permissions.permission')
    .count({ where: { action: PLAYBACK_ACTION, role: { id: role.id } } });
  if (held > 0) return { allow: true, role: role.type };
  return deny('permission-missing', anonymous ? 'login-required' : 'not-entitled');
}

async function userCaller(strapi: Core.Strapi, id: string): Promise<Caller | Denial> {
  const found: unknown = await strapi.db
    .query('plugin::users-permissions.user')
    .findOne({ where: { id }, populate: ['role'] });
  const user = userSchema.nullable().parse(found);
  if (!user?.role) return deny('caller-unknown', 'login-required');
  if (user.blocked) return deny('user-blocked', 'not-entitled');
  const advanced: unknown = await strapi.store({ type: 'plugin', name: 'users-permissions' }).get({ key: 'advanced' });
  const mustConfirm = z.object({ email_confirmation: z.boolean() }).safeParse(advanced).data?.email_confirmation;
  if (mustConfirm && !user.confirmed) return deny('user-unconfirmed', 'not-entitled');
  return callerOfRole(strapi, user.role, false);
}

async function publicCaller(strapi: Core.Strapi): Promise<Caller | Denial> {
  const found: unknown = await strapi.db.query('plugin::users-permissions.role').findOne({ where: { type: 'public' } });
  const role = roleSchema.nullable().parse(found);
  return role ? callerOfRole(strapi, role, true) : deny('caller-unknown', 'login-required');
}

/** Null: deleted or expired. */
async function findApiToken(strapi: Core.Strapi, id: string): Promise<z.infer<typeof apiTokenSchema> | null> {
  const found: unknown = await strapi.db
    .query('admin::api-token')
    .findOne({ where: { id }, populate: ['permissions'] });
  const token = apiTokenSchema.nullable().parse(found);
  return token?.expiresAt && token.expiresAt.getTime() <= Date.now() ? null : token;
}

async function apiTokenCaller(strapi: Core.Strapi, id: string): Promise<Caller | Denial> {
  const token = await findApiToken(strapi, id);
  if (!token) return deny('api-token-gone', 'login-required');
  // A full-access token speaks for no one in particular, so nothing could end its sessions one day.
  if (token.type !== 'custom') return deny('api-token-unbound', 'not-entitled');
  const held = token.permissions?.some((permission) => permission.action === PLAYBACK_ACTION);
  return held ? { allow: true, role: null } : deny('permission-missing', 'not-entitled');
}

/** The user decides, as if the user had asked; the token must be there, and one that may speak for anybody. */
async function namedUserCaller(strapi: Core.Strapi, id: string, tokenId: string): Promise<Caller | Denial> {
  const token = await findApiToken(strapi, tokenId);
  if (!token) return deny('api-token-gone', 'login-required');
  // Else the permission to play what the token itself may would open what is kept for other roles.
  if (token.type !== 'full-access') return deny('user-not-nameable', 'not-entitled');
  const caller = await userCaller(strapi, id);
  // Who asks is signed in, and a sign-in would change nothing.
  return caller.allow ? caller : deny(caller.reason, 'not-entitled');
}

/** Looks the caller up afresh: exists, may sign in, holds the playback permission. */
export async function resolveCaller(strapi: Core.Strapi, origin: Origin): Promise<Caller | Denial> {
  if (origin.kind === 'api-token') return apiTokenCaller(strapi, origin.id);
  if (!strapi.plugin('users-permissions')) return deny('caller-unknown', 'login-required');
  if (origin.kind === 'public') return publicCaller(strapi);
  return origin.apiToken === undefined
    ? userCaller(strapi, origin.id)
    : namedUserCaller(strapi, origin.id, origin.apiToken);
}
