import { HIDDEN } from '../hidden';

/**
 * One rotation of the key that signs playback tokens. The row holds no key: that is derived from the salt and the site's
 * secret, so that who reads the database can mint nothing.
 */
export const keyRotationSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_key_rotations',
  info: { singularName: 'key-rotation', pluralName: 'key-rotations', displayName: 'Key rotation' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    /** From 1. Rows are never deleted: without one, the keys before it would count again. */
    number: { type: 'integer', required: true },
    salt: { type: 'string', required: true, private: true },
    /** Milliseconds since the epoch on the database's clock. */
    rotatedAt: { type: 'biginteger', required: true },
    overlapMs: { type: 'biginteger', required: true },
  },
  indexes: [{ type: 'unique', name: 'pvod_key_rotation', columns: ['number'] }],
} as const;
