import type { Core } from '@strapi/strapi';
import { PLUGIN_ID } from '../../contracts';
import { FILE_UID } from './protected-mark';

/** Boxes in Settings → Administration panel → Roles. To look and to act are different rights. */
const RIGHTS = [
  { uid: 'policies.read', displayName: 'Read role policies', subCategory: 'policies' },
  { uid: 'policies.update', displayName: 'Change role policies', subCategory: 'policies' },
  { uid: 'preview', displayName: 'Preview all videos, drafts too', subCategory: 'preview' },
  { uid: 'guest-links.read', displayName: 'See guest links', subCategory: 'guest links' },
  { uid: 'guest-links.create', displayName: 'Make guest links', subCategory: 'guest links' },
  { uid: 'guest-links.revoke', displayName: 'Revoke guest links', subCategory: 'guest links' },
  { uid: 'sessions.read', displayName: 'See who watches', subCategory: 'sessions' },
  { uid: 'sessions.end', displayName: 'End sessions', subCategory: 'sessions' },
  { uid: 'audit.read', displayName: 'Read and export the audit', subCategory: 'audit' },
  { uid: 'subjects.read', displayName: "Export one person's data", subCategory: 'privacy' },
  { uid: 'subjects.erase', displayName: "Erase one person's data", subCategory: 'privacy' },
] as const;

type AdminRight = (typeof RIGHTS)[number]['uid'];

const actionOf = (right: AdminRight) => `plugin::${PLUGIN_ID}.${right}`;

export const PREVIEW_ACTION = actionOf('preview');

/** What a route asks of an administrator. */
export function adminRight(right: AdminRight) {
  const actions = [actionOf(right)];
  return ['admin::isAuthenticatedAdmin', { name: 'admin::hasPermissions', config: { actions } }];
}

/** Only while the plugin bootstraps: later, super administrators would not get them by themselves. */
export async function registerAdminRights(strapi: Core.Strapi): Promise<void> {
  const actions = RIGHTS.map((right) => ({ section: 'plugins', pluginName: PLUGIN_ID, ...right }));
  await strapi.service('admin::permission').actionProvider.registerMany(actions);
}

/** Strapi's own rights to look at files of the Media Library, and to change them. */
export const READ_FILES = 'plugin::upload.read';
export const CHANGE_FILES = 'plugin::upload.assets.update';

export type AdminStanding = 'gone' | 'deactivated' | 'without-right' | 'holds-right';

/** CASL, as Strapi's admin asks it. */
export interface AdminAbility {
  can(action: string, subject?: unknown): boolean;
}

/** What an administrator may do, read afresh (S8, S23). */
export async function adminAbility(
  strapi: Core.Strapi,
  adminId: string,
): Promise<AdminAbility | 'gone' | 'deactivated'> {
  // PostgreSQL would refuse the question.
  if (!/^\d{1,15}$/.test(adminId)) return 'gone';
  const where = { id: Number(adminId) };
  const user = await strapi.db.query('admin::user').findOne({ where, populate: ['roles'] });
  if (!user) return 'gone';
  if (user.isActive !== true || user.blocked === true) return 'deactivated';
  return strapi.service('admin::permission').engine.generateUserAbility(user);
}

/** How an administrator stands to an action that is asked for without a subject, read afresh. */
export async function adminStanding(strapi: Core.Strapi, adminId: string, action: string): Promise<AdminStanding> {
  const ability = await adminAbility(strapi, adminId);
  if (typeof ability === 'string') return ability;
  return ability.can(action) === true ? 'holds-right' : 'without-right';
}

/** Whether a right of the Media Library holds for one of these files, with the conditions that it may have. */
export function holdsForFile(
  strapi: Core.Strapi,
  { ability, action }: { ability: AdminAbility; action: string },
  /** Populated as `FILE_CREATOR` says: conditions look at that. */
  files: readonly unknown[],
): boolean {
  const manager = strapi.service('admin::permission').createPermissionsManager({ ability, action, model: FILE_UID });
  return files.some((file) => ability.can(action, manager.toSubject(file)));
}

export const FILE_CREATOR = { createdBy: { populate: ['roles'] } };
