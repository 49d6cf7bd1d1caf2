import { contentApiRoutes } from './content-api';
import { rolePoliciesAdminRoutes } from './role-policies';
import { uploadAdminRoutes, uploadTusRoutes } from './upload';

export const routes = {
  'content-api': contentApiRoutes,
  admin: uploadAdminRoutes,
  'role-policies': rolePoliciesAdminRoutes,
  tus: uploadTusRoutes,
};
