import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { Origin } from '../../tokens/playback-token';
import type { SubjectOrigin } from '../../tokens/subject-origin';
import { batched, once } from '../batch';
import { type Denial, deny } from './decision';
import { createEditorCallers } from './editor-caller';
import { createGuestCallers } from './guest-caller';
import type { Privilege } from './privilege';
import { createSubjectReads, SUBJECT_ACTION, type SubjectReads, subjectCaller } from './subject-caller';

/** The permission that editors tick in Users & Permissions → Roles. */
export const PLAYBACK_ACTION = 'plugin::protected-vod.playback.create';

export interface Caller {
  allow: true;
  /** Null for callers without a role, such as a custom API token. */
  role: string | null;
  /** Absent: a viewer, who is held to all that the entry and the policies say. */
  privilege?: Privilege;
}

const idSchema = z.union([z.number(), z.string()]);
const roleSchema = z.object({ id: idSchema, type: z.string() });
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

const identifiedSchema = z.object({ id: idSchema });
const heldSchema = z.object({ role: identifiedSchema });

/** Rows that callers are judged by; each is read once, and those that are asked for together in one query. */
export interface CallerReads {
  user(id: string): Promise<unknown>;
  apiToken(id: string): Promise<unknown>;
  publicRole(): Promise<unknown>;
  /** Whether the role with this id holds the playback permission. */
  mayPlay(roleId: string): Promise<boolean>;
  mustConfirm(): Promise<boolean>;
  subject: SubjectReads;
}

/** Rows by their ids. What is in a row is not looked at here: a bad one harms itself only (S17). */
function rowsById(strapi: Core.Strapi, uid: string, populate: string[]) {
  return batched(async (ids: string[]) => {
    // PostgreSQL would refuse the whole question.
    const where = { id: { $in: ids.filter((id) => /^\d{1,15}$/.test(id)) } };
    const found: unknown[] = await strapi.db.query(uid).findMany({ where, populate });
    return new Map(found.map((row) => [String(identifiedSchema.parse(row).id), row]));
  });
}

function createCallerReads(strapi: Core.Strapi): CallerReads {
  const permitted = batched(async (roleIds: string[]) => {
    const found: unknown[] = await strapi.db.query('plugin::users-permissions.permission').findMany({
      where: { action: PLAYBACK_ACTION, role: { id: { $in: roleIds } } },
      populate: { role: { select: ['id'] } },
    });
    return new Map(found.map((row) => [String(heldSchema.parse(row).role.id), true]));
  });
  const settings = () => strapi.store({ type: 'plugin', name: 'users-permissions' }).get({ key: 'advanced' });
  return {
    user: rowsById(strapi, 'plugin::users-permissions.user', ['role']),
    apiToken: rowsById(strapi, 'admin::api-token', ['permissions']),
    publicRole: once(() => strapi.db.query('plugin::users-permissions.role').findOne({ where: { type: 'public' } })),
    mayPlay: async (roleId) => (await permitted(roleId)) === true,
    mustConfirm: once(async () => {
      const advanced: unknown = await settings();
      return z.object({ email_confirmation: z.literal(true) }).safeParse(advanced).success;
    }),
    subject: createSubjectReads(strapi),
  };
}

async function callerOfRole(reads: CallerReads, role: Role, anonymous: boolean): Promise<Caller | Denial> {
  if (await reads.mayPlay(String(role.id))) return { allow: true, role: role.type };
  return deny('permission-missing', anonymous ? 'login-required' : 'not-entitled');
}

async function userCaller(reads: CallerReads, id: string): Promise<Caller | Denial> {
  const user = userSchema.nullable().parse(await reads.user(id));
  if (!user?.role) return deny('caller-unknown', 'login-required');
  if (user.blocked) return deny('user-blocked', 'not-entitled');
  if (!user.confirmed && (await reads.mustConfirm())) return deny('user-unconfirmed', 'not-entitled');
  return callerOfRole(reads, user.role, false);
}

async function publicCaller(reads: CallerReads): Promise<Caller | Denial> {
  const role = roleSchema.nullable().parse(await reads.publicRole());
  return role ? callerOfRole(reads, role, true) : deny('caller-unknown', 'login-required');
}

/** Null: deleted or expired. */
async function findApiToken(reads: CallerReads, id: string): Promise<z.infer<typeof apiTokenSchema> | null> {
  const token = apiTokenSchema.nullable().parse(await reads.apiToken(id));
  return token?.expiresAt && token.expiresAt.getTime() <= Date.now() ? null : token;
}

async function apiTokenCaller(reads: CallerReads, id: string): Promise<Caller | Denial> {
  const token = await findApiToken(reads, id);
  if (!token) return deny('api-token-gone', 'login-required');
  // A full-access token speaks for no one in particular, so nothing could end its sessions one day.
  if (token.type !== 'custom') return deny('api-token-unbound', 'not-entitled');
  const held = token.permissions?.some((permission) => permission.action === PLAYBACK_ACTION);
  return held ? { allow: true, role: null } : deny('permission-missing', 'not-entitled');
}

/** The user decides, as if the user had asked; the token must be there, and one that may speak for anybody. */
async function namedUserCaller(reads: CallerReads, id: string, tokenId: string): Promise<Caller | Denial> {
  const token = await findApiToken(reads, tokenId);
  if (!token) return deny('api-token-gone', 'login-required');
  // Else the permission to play what the token itself may would open what is kept for other roles.
  if (token.type !== 'full-access') return deny('user-not-nameable', 'not-entitled');
  const caller = await userCaller(reads, id);
  // Who asks is signed in, and a sign-in would change nothing.
  return caller.allow ? caller : deny(caller.reason, 'not-entitled');
}

async function namedSubjectCaller(reads: CallerReads, origin: SubjectOrigin): Promise<Caller | Denial> {
  const token = await findApiToken(reads, origin.apiToken);
  const held = new Set(token?.type === 'custom' ? token.permissions?.map(({ action }) => action) : []);
  const mayVouch = token?.type === 'full-access' || [PLAYBACK_ACTION, SUBJECT_ACTION].every((one) => held.has(one));
  return subjectCaller(origin, {
    ...reads.subject,
    apiToken: token && { mayVouch },
    callerOf: (role) => callerOfRole(reads, role, false),
  });
}

/**
 * Looks callers up, all of one moment: they exist, may sign in, hold the permission that they need. Afresh, unless `reads` tells
 * where else their rows are.
 */
export function createCallers(
  strapi: Core.Strapi,
  reads: CallerReads = createCallerReads(strapi),
): (origin: Origin) => Promise<Caller | Denial> {
  const editorCaller = createEditorCallers(strapi);
  const guestCaller = createGuestCallers(strapi);
  return async (origin) => {
    if (origin.kind === 'admin') return editorCaller(origin.id);
    if (origin.kind === 'guest-link') return guestCaller(origin.id);
    if (origin.kind === 'api-token') return apiTokenCaller(reads, origin.id);
    if (!strapi.plugin('users-permissions')) return deny('caller-unknown', 'login-required');
    if (origin.kind === 'public') return publicCaller(reads);
    if (origin.kind === 'subject') return namedSubjectCaller(reads, origin);
    return origin.apiToken === undefined
      ? userCaller(reads, origin.id)
      : namedUserCaller(reads, origin.id, origin.apiToken);
  };
}
