import { contentApiRoutes } from './content-api';
import { uploadAdminRoutes, uploadTusRoutes } from './upload';

export const routes = {
  'content-api': contentApiRoutes,
  admin: uploadAdminRoutes,
  tus: uploadTusRoutes,
};
