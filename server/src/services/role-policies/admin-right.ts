import type { Core } from '@strapi/strapi';
import { PLUGIN_ID } from '../../../contracts';

const ACTION = { section: 'plugins', pluginName: PLUGIN_ID, subCategory: 'policies' };

/** The rights of administrators, ticked in Settings → Roles. */
export const READ_POLICIES = `plugin::${PLUGIN_ID}.policies.read`;
export const UPDATE_POLICIES = `plugin::${PLUGIN_ID}.policies.update`;

/** Strapi takes new rights only while plugins bootstrap. */
export async function registerPolicyActions(strapi: Core.Strapi): Promise<void> {
  await strapi.service('admin::permission').actionProvider.registerMany([
    { ...ACTION, displayName: 'Read role policies', uid: 'policies.read' },
    { ...ACTION, displayName: 'Change role policies', uid: 'policies.update' },
  ]);
}
