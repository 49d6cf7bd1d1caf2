import { HIDDEN } from '../hidden';

/**
 * One viewer's right to watch; the unit of revocation. Everything it names is a scalar: rows of a video change at every
 * publish. Times are milliseconds since the epoch on the database owner's clock.
 */
export const playbackSessionSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_sessions',
  info: { singularName: 'playback-session', pluralName: 'playback-sessions', displayName: 'Playback session' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    /** `jti` of the token that opened the session; unique, so a token opens one session on any database. */
    tokenId: { type: 'string', required: true, private: true },
    /** SHA-256 of the session id; the id itself is kept nowhere. */
    sessionHash: { type: 'string', required: true, private: true },
    /** Random half of the session id's derivation. */
    salt: { type: 'string', required: true, private: true },
    originKind: {
      type: 'enumeration',
      enum: ['user', 'public', 'api-token', 'subject', 'admin', 'guest-link'],
      required: true,
    },
    originId: { type: 'string' },
    /** Id of the API token that asked, for itself or in somebody's name: the session ends with it (S8). */
    apiToken: { type: 'string' },
    role: { type: 'string' },
    /** JSON: what the API token said of a user who lives elsewhere, for rules at each lease; empty once it has ended. */
    subjectAttributes: { type: 'text', private: true },
    /** Of the last change of that user that this row knows of. */
    subjectMark: { type: 'string', private: true },
    video: { type: 'string', required: true },
    locale: { type: 'string' },
    asset: { type: 'string', required: true },
    clientPrefix: { type: 'string', required: true },
    clientAgent: { type: 'string', required: true },
    state: { type: 'enumeration', enum: ['active', 'ended'], default: 'active', required: true },
    endReason: { type: 'string' },
    /** On the database's clock. */
    endedAt: { type: 'biginteger' },
    /** Drawn by the statement that ended it: how the audit finds what a statement changed, on any database. */
    endMark: { type: 'string', private: true },
    /** Raised by every change that may flip the decision; a renewal that read an older one is void (S6). */
    epoch: { type: 'integer', default: 0, required: true },
    /** Raised by every hand-over (S12). */
    generation: { type: 'integer', default: 0, required: true },
    /** When the plugin must decide again; 0 is now. */
    leaseDue: { type: 'biginteger', default: '0', required: true },
    startedAt: { type: 'biginteger', required: true },
    lastSeenAt: { type: 'biginteger', required: true },
    bytes: { type: 'biginteger', default: '0', required: true },
    mediaSeconds: { type: 'float', default: 0, required: true },
  },
  indexes: [
    { type: 'unique', name: 'pvod_session_token', columns: ['token_id'] },
    { type: 'unique', name: 'pvod_session_hash', columns: ['session_hash'] },
    { name: 'pvod_session_origin', columns: ['origin_kind', 'origin_id'] },
    { name: 'pvod_session_api_token', columns: ['api_token'] },
    { name: 'pvod_session_video', columns: ['video'] },
    { name: 'pvod_session_ended', columns: ['state', 'ended_at'] },
    { name: 'pvod_session_mark', columns: ['end_mark'] },
  ],
} as const;
