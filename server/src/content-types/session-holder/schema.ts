import { HIDDEN } from '../hidden';

/**
 * A streamer that was given a grant of a session, and the newest hand-over that it is known to have heard of: what makes
 * a new streamer wait for the old one (S12). Times are milliseconds since the epoch.
 */
export const sessionHolderSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_session_holders',
  info: { singularName: 'session-holder', pluralName: 'session-holders', displayName: 'Session holder' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    sessionHash: { type: 'string', required: true, private: true },
    /** Boot id of the streamer process. */
    streamer: { type: 'string', required: true, private: true },
    /** The streamer serves nobody under an older one. Only ever raised. */
    generation: { type: 'integer', default: 0, required: true },
    /** End of lease and grace of the newest grant, on the database's clock. */
    goodUntil: { type: 'biginteger', default: '0', required: true },
    /** How many grants were written down here. */
    grants: { type: 'integer', default: 1, required: true },
    /** When the session's client was last active there, give or take two seconds, on the database's clock. */
    seenAt: { type: 'biginteger', default: '0', required: true },
  },
  // The streamer first: writes of different streamers then lock different stretches of the index.
  indexes: [
    { type: 'unique', name: 'pvod_holder', columns: ['streamer', 'session_hash'] },
    { name: 'pvod_holder_session', columns: ['session_hash'] },
  ],
} as const;
