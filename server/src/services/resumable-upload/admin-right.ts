import type { Core } from '@strapi/strapi';
import { adminStanding } from '../admin-rights';

/** Strapi's own right to add files to the Media Library. */
export const UPLOAD_ACTION = 'plugin::upload.assets.create';

/** Whether this admin still exists, is active and may add files, read afresh (S23). */
export async function mayUpload(strapi: Core.Strapi, adminId: number): Promise<boolean> {
  return (await adminStanding(strapi, String(adminId), UPLOAD_ACTION)) === 'holds-right';
}
