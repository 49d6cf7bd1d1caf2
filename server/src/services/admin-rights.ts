import type { Core } from '@strapi/strapi';
import { PLUGIN_ID } from '../../contracts';

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

export type AdminStanding = 'gone' | 'deactivated' | 'without-right' | 'holds-right';

/** How an administrator stands to an action that is asked for without a subject, read afresh (S8, S23). */
export async function adminStanding(strapi: Core.Strapi, adminId: string, action: string): Promise<AdminStanding> {
  // PostgreSQL would refuse the question.
  if (!/^\d{1,15}$/.test(adminId)) return 'gone';
  const where = { id: Number(adminId) };
  const user = await strapi.db.query('admin::user').findOne({ where, populate: ['roles'] });
  if (!user) return 'gone';
  if (user.isActive !== true || user.blocked === true) return 'deactivated';
  const ability = await strapi.service('admin::permission').engine.generateUserAbility(user);
  return ability.can(action) === true ? 'holds-right' : 'without-right';
}
