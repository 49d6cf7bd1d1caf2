import type { Core } from '@strapi/strapi';
import { createTusHandler } from '../controllers/upload';
import { UPLOAD_ACTION } from '../services/resumable-upload/admin-right';

/** What the admin panel calls before an upload. */
export function uploadAdminRoutes() {
  return {
    type: 'admin',
    routes: [
      {
        method: 'POST',
        path: '/uploads',
        handler: 'upload.create',
        config: {
          policies: [
            'admin::isAuthenticatedAdmin',
            { name: 'admin::hasPermissions', config: { actions: [UPLOAD_ACTION] } },
          ],
        },
      },
    ],
  };
}

/** What the upload itself calls: opened by the upload token, unknown to the roles editor (function handlers). */
export function uploadTusRoutes({ strapi }: { strapi: Core.Strapi }) {
  const config = { auth: false };
  return {
    type: 'content-api',
    // Strapi's routes know neither HEAD nor OPTIONS by name.
    routes: [
      { method: 'ALL', path: '/uploads', handler: createTusHandler(strapi, ['POST', 'OPTIONS']), config },
      {
        method: 'ALL',
        path: '/uploads/:id',
        handler: createTusHandler(strapi, ['PATCH', 'HEAD', 'DELETE', 'OPTIONS']),
        config,
      },
    ],
  };
}
