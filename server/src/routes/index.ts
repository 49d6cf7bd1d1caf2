import { contentApiRoutes } from './content-api';
import { oversightRoutes } from './oversight';
import { rolePoliciesAdminRoutes } from './role-policies';
import { uploadAdminRoutes, uploadTusRoutes } from './upload';

export const routes = {
  'content-api': contentApiRoutes,
  admin: uploadAdminRoutes,
  'role-policies': rolePoliciesAdminRoutes,
  oversight: oversightRoutes,
  tus: uploadTusRoutes,
};
