import type { AuditKind, AuditParty, DenyReason } from '../../../contracts';
import { originOf, type SessionRow } from '../playback-session/row';
import { newReference } from './reference';

/** What is told; what is left out is not known or does not apply. */
export interface AuditFacts {
  origin?: { kind: string; id?: string | null } | null;
  actor?: AuditParty | null;
  role?: string | null;
  video?: string | null;
  locale?: string | null;
  asset?: string | null;
  reason?: DenyReason | string | null;
  rule?: string | null | undefined;
  clientPrefix?: string | null;
  session?: string | null;
}

export interface AuditEvent extends AuditFacts {
  kind: AuditKind;
}

/** An event on its way to its row. */
export interface AuditRecord {
  readonly event: AuditEvent;
  readonly reference: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  lastAt: number;
  count: number;
  isWritten: boolean;
}

export function newRecord(event: AuditEvent, at = Date.now(), reference = newReference()): AuditRecord {
  return { event, reference, at, lastAt: at, count: 1, isWritten: false };
}

/** What a session's row tells of it. */
export function factsOfSession(row: SessionRow): AuditFacts {
  const { role, video, locale, asset, client_prefix: clientPrefix, document_id: session } = row;
  // An erased session keeps empty text where it named somebody.
  return { origin: originOf(row), role, video, locale, asset, clientPrefix: clientPrefix || null, session };
}

/** Refusals for which nobody looks whether the person is (still) there, or of one who may just have been erased. */
const BEFORE_LOOK_UP = new Set([
  'token-expired',
  'api-token-gone',
  'user-not-nameable',
  'subject-not-nameable',
  'subject-changed',
]);
const PERSONS = new Set(['user', 'subject']);

/** Who does not exist (any more) is not named: a token or session may outlive its user's erasure by a moment. */
export function originOfEvent({ kind, origin, reason }: AuditEvent): AuditParty | null {
  if (!origin) return null;
  const isUnsure = kind === 'refusal' && PERSONS.has(origin.kind) && BEFORE_LOOK_UP.has(reason ?? '');
  const id = isUnsure || reason === 'caller-unknown' ? null : origin.id || null;
  return { kind: origin.kind, id };
}
