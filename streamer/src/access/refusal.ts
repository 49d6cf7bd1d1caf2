import type { DenyReason } from '../../../server/contracts';

/** Why the streamer itself said no: for logs only, never sent. */
export type RefusalReason =
  | DenyReason
  | 'credential-missing'
  | 'credential-malformed'
  | 'session-tag-invalid'
  | 'session-refused'
  | 'poster-refused'
  | 'client-unknown'
  | 'hand-over-pending'
  | 'method-cannot-redeem'
  | 'resource-unknown'
  | 'segments-encrypted'
  | 'rate-limited'
  | 'plugin-unavailable'
  | 'plugin-broken'
  | 'too-many-responses'
  | 'pace-exceeded';

export interface Refusal {
  kind: 'refused';
  status: 401 | 403 | 404 | 429 | 503;
  reason: RefusalReason;
  retryAfterSeconds?: number;
  /** Set once the credential proved to belong to a session. */
  sessionHash?: string;
}

export function refuse(status: Refusal['status'], reason: RefusalReason, more: Partial<Refusal> = {}): Refusal {
  return { kind: 'refused', status, reason, ...more };
}
