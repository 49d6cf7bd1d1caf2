import { contentApiRoutes } from './content-api';
import { oversightRoutes } from './oversight';
import { uploadAdminRoutes, uploadTusRoutes } from './upload';

export const routes = {
  'content-api': contentApiRoutes,
  admin: uploadAdminRoutes,
  oversight: oversightRoutes,
  tus: uploadTusRoutes,
};
