import type { Core } from '@strapi/strapi';
import { PLUGIN_ID } from '../../contracts';

/** Boxes in Settings → Administration panel → Roles. To look and to act are different rights. */
const RIGHTS = [
  { uid: 'policies.read', displayName: 'Read role policies', subCategory: 'policies' },
  { uid: 'policies.update', displayName: 'Change role policies', subCategory: 'policies' },
  { uid: 'sessions.read', displayName: 'See who watches', subCategory: 'sessions' },
  { uid: 'sessions.end', displayName: 'End sessions', subCategory: 'sessions' },
  { uid: 'audit.read', displayName: 'Read and export the audit', subCategory: 'audit' },
  { uid: 'subjects.read', displayName: "Export one person's data", subCategory: 'privacy' },
  { uid: 'subjects.erase', displayName: "Erase one person's data", subCategory: 'privacy' },
] as const;

type AdminRight = (typeof RIGHTS)[number]['uid'];

/** What a route asks of an administrator. */
export function adminRight(right: AdminRight) {
  const actions = [`plugin::${PLUGIN_ID}.${right}`];
  return ['admin::isAuthenticatedAdmin', { name: 'admin::hasPermissions', config: { actions } }];
}

/** Only while the plugin bootstraps: later, super administrators would not get them by themselves. */
export async function registerAdminRights(strapi: Core.Strapi): Promise<void> {
  const actions = RIGHTS.map((right) => ({ section: 'plugins', pluginName: PLUGIN_ID, ...right }));
  await strapi.service('admin::permission').actionProvider.registerMany(actions);
}
