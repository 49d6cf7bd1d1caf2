import type { Core } from '@strapi/strapi';

/** Strapi's own right to add files to the Media Library. */
export const UPLOAD_ACTION = 'plugin::upload.assets.create';

/** Whether this admin still exists, is active and may add files, read afresh (S23). */
export async function mayUpload(strapi: Core.Strapi, adminId: number): Promise<boolean> {
  const user = await strapi.db.query('admin::user').findOne({ where: { id: adminId }, populate: ['roles'] });
  if (user?.isActive !== true || user.blocked === true) return false;
  const ability = await strapi.service('admin::permission').engine.generateUserAbility(user);
  return ability.can(UPLOAD_ACTION) === true;
}
