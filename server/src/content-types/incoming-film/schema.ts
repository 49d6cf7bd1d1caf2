import { HIDDEN } from '../hidden';

/**
 * A film that is on its way into the storage. The row is the room that is reserved for it (S23) until it is stored,
 * refused or given up; for a resumable upload it is also how far that is, and who is at work on it.
 */
export const incomingFilmSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_incoming_films',
  info: { singularName: 'incoming-film', pluralName: 'incoming-films', displayName: 'Incoming film' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    /** Names its bytes in `incoming/`, and is what an upload token opens. */
    incomingId: { type: 'string', required: true },
    /** Null: it came from no administrator. */
    adminId: { type: 'string' },
    sizeBytes: { type: 'biginteger', required: true },
    /** Milliseconds since the epoch on the database's clock; what has not become a film by then is given up. */
    expiresAt: { type: 'biginteger', required: true },
    /** Names this beginning of a resumable upload: a client may begin anew. */
    attempt: { type: 'string' },
    /** While a piece with a checksum arrives: what came before it, and counts already. */
    checkedBytes: { type: 'biginteger' },
    /** JSON: what became of the upload. From then on it reserves nothing. */
    fate: { type: 'text' },
    /** Who is at work on it, until `heldUntil` on the database's clock. */
    holder: { type: 'string' },
    heldUntil: { type: 'biginteger' },
    /** Another request waits for the holder to let go. */
    isWanted: { type: 'boolean' },
  },
  indexes: [{ type: 'unique', name: 'pvod_incoming', columns: ['incoming_id'] }],
} as const;
