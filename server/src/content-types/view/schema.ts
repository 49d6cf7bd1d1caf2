import { HIDDEN } from '../hidden';

/**
 * One of the numbered views that a user has of a video within a window of time, or a guest link ever, kept only where they
 * are limited. The index lets each be taken once, on any database: that is the limit.
 */
export const viewSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_views',
  info: { singularName: 'view', pluralName: 'views', displayName: 'View' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    /** Whose views are counted together, e.g. `user:12`. */
    subject: { type: 'string', required: true, private: true },
    /** `documentId` of the entry. */
    video: { type: 'string', required: true },
    /** From 1 to the limit. */
    number: { type: 'integer', required: true },
    /** Of the token whose redemption is the view: who shows it again takes no other. */
    tokenId: { type: 'string', required: true, private: true },
    /** Milliseconds since the epoch on the database's clock. */
    takenAt: { type: 'biginteger', required: true },
  },
  indexes: [
    { type: 'unique', name: 'pvod_view', columns: ['subject', 'video', 'number'] },
    { type: 'unique', name: 'pvod_view_token', columns: ['token_id'] },
    { name: 'pvod_view_taken', columns: ['taken_at'] },
  ],
} as const;
