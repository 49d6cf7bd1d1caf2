import type { OutgoingHttpHeaders } from 'node:http';

/**
 * S20: on every answer, because by default it comes from the origin of Strapi's admin panel. Cross-origin players may load it:
 * the address itself is the right.
 */
export const SECURITY_HEADERS: OutgoingHttpHeaders = Object.freeze({
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'cross-origin',
});

/** S19: nothing may be kept by a shared cache; segments may be kept by the viewer's own. */
export const NO_STORE = 'private, no-store';
export const KEEP_PRIVATELY = 'private, max-age=3600';
