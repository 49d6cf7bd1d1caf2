import type { RolePolicies } from '../../server/contracts';
import { sendAsAdmin } from './films';
import type { AdminAccount } from './strapi-accounts';
import type { StrapiApp } from './strapi-app';

/** Replaces the policies of the site, as the admin panel does; throws what was answered unless it went well. */
export async function setPolicies(app: StrapiApp, admin: AdminAccount, policies: RolePolicies): Promise<void> {
  await sendAsAdmin(app, admin, '/protected-vod/policies', policies, 'PUT');
}
