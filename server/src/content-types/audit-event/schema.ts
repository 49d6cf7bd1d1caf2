import { AUDIT_KINDS } from '../../../contracts';
import { HIDDEN } from '../hidden';

/**
 * What happened, for editors who have to answer for it. Scalars only, so that a row outlives what it names. No token,
 * session id or whole address is ever in here. Times are milliseconds since the epoch on the clock of the node that saw it.
 */
export const auditEventSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_audit_events',
  info: { singularName: 'audit-event', pluralName: 'audit-events', displayName: 'Audit event' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    /** Unique, so that a batch may be written again whose first attempt had an unknown end. */
    reference: { type: 'string', required: true },
    kind: { type: 'enumeration', enum: AUDIT_KINDS, required: true },
    at: { type: 'biginteger', required: true },
    /** Of the last of `count` equal events. */
    lastAt: { type: 'biginteger', required: true },
    count: { type: 'integer', default: 1, required: true },
    originKind: { type: 'string' },
    originId: { type: 'string' },
    /** `admin:3`, or `admin-token:5:3`, which is that one's token: who ended the session of another, or made a link. */
    actor: { type: 'string' },
    role: { type: 'string' },
    video: { type: 'string' },
    locale: { type: 'string' },
    asset: { type: 'string' },
    reason: { type: 'string' },
    rule: { type: 'string' },
    /** That rule's own words. */
    ruleReason: { type: 'string' },
    clientPrefix: { type: 'string' },
    /** `documentId` of the session's row. */
    session: { type: 'string' },
  },
  indexes: [
    { type: 'unique', name: 'pvod_audit_reference', columns: ['reference'] },
    { name: 'pvod_audit_at', columns: ['at'] },
    { name: 'pvod_audit_origin', columns: ['origin_kind', 'origin_id'] },
    { name: 'pvod_audit_video', columns: ['video'] },
    { name: 'pvod_audit_session', columns: ['session'] },
  ],
} as const;
