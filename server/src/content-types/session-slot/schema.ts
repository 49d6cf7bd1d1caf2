import { HIDDEN } from '../hidden';

/**
 * One of the numbered places that a viewer's sessions share. There are as many as the viewer may watch at one time, and
 * the index lets each be taken once, on any database: that is the limit (S9).
 */
export const sessionSlotSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_session_slots',
  info: { singularName: 'session-slot', pluralName: 'session-slots', displayName: 'Session slot' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    /** Whose sessions are counted together, e.g. `user:12`. */
    subject: { type: 'string', required: true, private: true },
    /** From 1 to the limit. */
    slot: { type: 'integer', required: true },
    /** Of the token, and so of the session that it opens. Known before the session, and the same on every node. */
    tokenId: { type: 'string', required: true, private: true },
    /** Milliseconds since the epoch on the database's clock. */
    takenAt: { type: 'biginteger', required: true },
  },
  indexes: [
    { type: 'unique', name: 'pvod_slot', columns: ['subject', 'slot'] },
    { type: 'unique', name: 'pvod_slot_token', columns: ['token_id'] },
  ],
} as const;
