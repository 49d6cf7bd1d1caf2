import { HIDDEN } from '../hidden';

/**
 * The last change that was told of a user who lives elsewhere. What a token or session remembers of that user is old where
 * it carries another mark. Kept no longer than a token or session of before could live.
 */
export const subjectChangeSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_subject_changes',
  info: { singularName: 'subject-change', pluralName: 'subject-changes', displayName: 'Subject change' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    /** Keyed digest of the subject's key: the row outlives an erasure, and shall name nobody. One row for each accepted secret. */
    subject: { type: 'string', required: true, private: true },
    /** Drawn anew by each change. */
    mark: { type: 'string', required: true, private: true },
    /** Milliseconds since the epoch on the database's clock; later than those of the changes before. */
    changedAt: { type: 'biginteger', required: true },
  },
  indexes: [
    { type: 'unique', name: 'pvod_subject_change', columns: ['subject'] },
    { name: 'pvod_subject_changed', columns: ['changed_at'] },
  ],
} as const;
