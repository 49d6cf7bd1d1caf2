import type { AuditKind, AuditParty, DenyReason } from '../../../contracts';
import { apiTokenOfKey } from '../../tokens/subject-origin';
import type { RuleDenial } from '../entitlement/decision';
import { originOf, type SessionRow } from '../playback-session/row';
import { newReference } from './reference';

/** What is told; what is left out is not known or does not apply. */
export interface AuditFacts {
  origin?: { kind: string; id?: string | null; owner?: string } | null;
  actor?: AuditParty | null;
  role?: string | null;
  video?: string | null;
  locale?: string | null;
  asset?: string | null;
  reason?: DenyReason | string | null;
  rule?: RuleDenial | null | undefined;
  clientPrefix?: string | null;
  session?: string | null;
}

export interface AuditEvent extends AuditFacts {
  kind: AuditKind;
  /** Of a session that ended; no row of the audit has it. */
  usage?: SessionTotals;
}

/** What a session was sent, up to its last renewal. */
export interface SessionTotals {
  bytes: number;
  mediaSeconds: number;
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

/** How the audit marks that an editor looked at an entry, published or not. */
export const EDITOR_PREVIEW = 'editor-preview';

/** What a session's row tells of it. */
export function factsOfSession(row: SessionRow): AuditFacts {
  const { role, video, locale, asset, client_prefix: clientPrefix, document_id: session } = row;
  // An erased session keeps empty text where it named somebody.
  const reason = row.origin_kind === 'admin' ? EDITOR_PREVIEW : null;
  return { origin: originOf(row), role, video, locale, asset, clientPrefix: clientPrefix || null, session, reason };
}

/** Refusals of callers who are not there (any more). */
const OF_NOBODY = new Set(['caller-unknown', 'admin-gone', 'guest-link-gone']);
/** Refusals for which nobody looks whether the person or the link is (still) there, or of who may just have been erased. */
const BEFORE_LOOK_UP = new Set([
  'token-expired',
  'api-token-gone',
  'user-not-nameable',
  'subject-not-nameable',
  'subject-changed',
]);
/** Those of whom all that names them can be erased. */
const ERASABLE = new Set(['user', 'subject', 'guest-link', 'admin']);

/** The API token that vouches for the subject whom an event is about; null: it is about nobody of that kind. */
export function vouchingToken({ origin }: AuditEvent): string | null {
  return origin?.kind === 'subject' && origin.id ? apiTokenOfKey(origin.id) : null;
}

/**
 * Who does not exist (any more) is not named: a token or session may outlive its user's erasure by a moment. To name
 * a role that there is not is the mistake of the API token, whoever the subject is.
 */
export function originOfEvent(event: AuditEvent): AuditParty | null {
  const { kind, origin, reason } = event;
  if (!origin) return null;
  const apiToken = vouchingToken(event);
  if (kind === 'refusal' && apiToken !== null && reason === 'role-unknown') return { kind: 'api-token', id: apiToken };
  const isUnsure = kind === 'refusal' && ERASABLE.has(origin.kind) && BEFORE_LOOK_UP.has(reason ?? '');
  if (isUnsure || OF_NOBODY.has(reason ?? '')) return { kind: origin.kind, id: null };
  return { kind: origin.kind, id: origin.id || null, ...(origin.owner !== undefined && { owner: origin.owner }) };
}
