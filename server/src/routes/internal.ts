import type { Core } from '@strapi/strapi';
import { createInternalHandlers } from '../controllers/internal';

const config = { auth: false, policies: ['plugin::protected-vod.is-streamer'] };

/** What streamers call. Unknown to the roles editor; opened by the derived credential only. */
export function internalRoutes({ strapi }: { strapi: Core.Strapi }) {
  const handlers = createInternalHandlers(strapi);
  return {
    type: 'content-api',
    routes: [
      { method: 'POST', path: '/internal/introspect', handler: handlers.introspect, config },
      { method: 'POST', path: '/internal/sync', handler: handlers.sync, config },
    ],
  };
}
