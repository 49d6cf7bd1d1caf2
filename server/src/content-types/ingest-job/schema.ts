import { JOB_STATES } from '../../../contracts';
import { HIDDEN } from '../hidden';

/** One thing to be made of one source. The index lets there be one of each kind: asking again changes nothing. */
export const ingestJobSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_ingest_jobs',
  info: { singularName: 'ingest-job', pluralName: 'ingest-jobs', displayName: 'Ingest job' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    asset: { type: 'string', required: true },
    kind: { type: 'string', required: true },
    /** Lower comes first. */
    priority: { type: 'integer', required: true },
    state: { type: 'enumeration', enum: JOB_STATES, required: true },
    /**
     * Milliseconds since the epoch on the database's clock. Queued: from when on it may be claimed. Running: when its
     * lease is over and another worker may have it.
     */
    dueAt: { type: 'biginteger', required: true },
    /** Rises by one with each claim: what names an older one is late. */
    attempt: { type: 'integer', required: true },
    failures: { type: 'integer', required: true },
    /** Of the last claim. */
    worker: { type: 'string' },
    progress: { type: 'float', required: true },
    /** Why the last attempt failed, or why none has begun. */
    reason: { type: 'string' },
  },
  indexes: [
    { type: 'unique', name: 'pvod_job', columns: ['asset', 'kind'] },
    { name: 'pvod_job_due', columns: ['state', 'due_at'] },
  ],
} as const;
