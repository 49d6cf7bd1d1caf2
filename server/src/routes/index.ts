import { assetAdminRoutes } from './asset';
import { contentApiRoutes } from './content-api';
import { guestLinkAdminRoutes, guestTokenRoutes } from './guest-link';
import { oversightRoutes } from './oversight';
import { previewRoutes } from './preview';
import { rolePoliciesAdminRoutes } from './role-policies';
import { textTrackAdminRoutes } from './text-track';
import { uploadAdminRoutes, uploadTusRoutes } from './upload';

export const routes = {
  'content-api': contentApiRoutes,
  admin: uploadAdminRoutes,
  assets: assetAdminRoutes,
  'text-tracks': textTrackAdminRoutes,
  'role-policies': rolePoliciesAdminRoutes,
  oversight: oversightRoutes,
  preview: previewRoutes,
  'guest-links': guestLinkAdminRoutes,
  'guest-token': guestTokenRoutes,
  tus: uploadTusRoutes,
};
