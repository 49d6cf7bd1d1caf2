import { HIDDEN } from '../hidden';

/**
 * An editor's word that whoever has the link may watch one video. Times are milliseconds since the epoch. What is
 * wanted of a link never changes; it only ends.
 */
export const guestLinkSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_guest_links',
  info: { singularName: 'guest-link', pluralName: 'guest-links', displayName: 'Guest link' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    /** SHA-256 of the secret, which is kept nowhere (S26). */
    secretHash: { type: 'string', required: true, private: true },
    /** `documentId` of the entry. */
    video: { type: 'string', required: true },
    label: { type: 'string' },
    expiresAt: { type: 'biginteger', required: true },
    /** Empty: it was not. */
    revokedAt: { type: 'biginteger' },
    /** Empty: no limit. Those that were had are rows of `view`. */
    maxViews: { type: 'integer' },
    /** Empty: none is asked for. */
    passwordHash: { type: 'string', private: true },
    download: { type: 'boolean', default: false, required: true },
    /** Ids of administrators. */
    madeBy: { type: 'string' },
    revokedBy: { type: 'string' },
    madeAt: { type: 'biginteger', required: true },
  },
  indexes: [
    { type: 'unique', name: 'pvod_guest_link_secret', columns: ['secret_hash'] },
    { name: 'pvod_guest_link_video', columns: ['video'] },
    { name: 'pvod_guest_link_expiry', columns: ['expires_at'] },
  ],
} as const;
