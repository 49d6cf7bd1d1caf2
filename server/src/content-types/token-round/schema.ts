import { HIDDEN } from '../hidden';

/**
 * How often all sessions of somebody or of a video were ended. A playback token carries what was so when it was minted, and
 * opens nothing once that has changed: whoever signs out takes back the tokens that were not used yet, too (S8).
 */
export const tokenRoundSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_token_rounds',
  info: { singularName: 'token-round', pluralName: 'token-rounds', displayName: 'Token round' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    /** E.g. `user:12`, `video:k3v…`, or `all`. */
    subject: { type: 'string', required: true, private: true },
    /** Only ever raised: a number that came back would bring the tokens back that were minted under it. */
    round: { type: 'integer', required: true },
  },
  indexes: [{ type: 'unique', name: 'pvod_token_round', columns: ['subject'] }],
} as const;
