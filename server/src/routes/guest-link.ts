import type { Core } from '@strapi/strapi';
import { createGuestTokenHandler } from '../controllers/guest-token';
import { adminRight } from '../services/admin-rights';

/** What editors do with guest links. */
export function guestLinkAdminRoutes() {
  const read = { policies: adminRight('guest-links.read') };
  const create = { policies: adminRight('guest-links.create') };
  const revoke = { policies: adminRight('guest-links.revoke') };
  return {
    type: 'admin',
    routes: [
      { method: 'GET', path: '/guest-links', handler: 'guest-link.find', config: read },
      { method: 'GET', path: '/guest-links/:id', handler: 'guest-link.findOne', config: read },
      { method: 'POST', path: '/guest-links', handler: 'guest-link.create', config: create },
      { method: 'POST', path: '/guest-links/:id/revoke', handler: 'guest-link.revoke', config: revoke },
    ],
  };
}

/** What guests call: opened by the link, unknown to the roles editor (function handler). */
export function guestTokenRoutes({ strapi }: { strapi: Core.Strapi }) {
  const handler = createGuestTokenHandler(strapi);
  return {
    type: 'content-api',
    routes: [{ method: 'POST', path: '/guest-links/playback-token', handler, config: { auth: false } }],
  };
}
