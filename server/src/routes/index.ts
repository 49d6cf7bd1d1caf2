import { contentApiRoutes } from './content-api';
import { internalRoutes } from './internal';
import { uploadAdminRoutes, uploadTusRoutes } from './upload';

export const routes = {
  'content-api': contentApiRoutes,
  internal: internalRoutes,
  admin: uploadAdminRoutes,
  tus: uploadTusRoutes,
};
