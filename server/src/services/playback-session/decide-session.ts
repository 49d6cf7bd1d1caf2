import type { DenyReason } from '../../../contracts';
import type { PluginConfig } from '../../config';
import type { Allowance, Decision, Question } from '../entitlement/decision';
import { nextLeaseDue } from './grant';
import { originOf, type SessionRow } from './row';
import type { SessionStore } from './store';

export type Renewal =
  | { state: 'renewed'; allowance: Allowance }
  | { state: 'ended'; reason: DenyReason }
  /** A change came in between: whoever asks next decides anew. */
  | { state: 'void' };

/**
 * Decides again for a running session and renews or ends it. The decision counts only if no change raised the epoch
 * since `row` was read (S6); the deliberation must have begun after that read.
 */
export async function renewSession(
  row: SessionRow,
  decide: (question: Question) => Promise<Decision>,
  { store, session }: { store: SessionStore; session: PluginConfig['session'] },
): Promise<Renewal> {
  const now = Date.now();
  if (row.started_at + session.maxLifetimeSeconds * 1000 <= now) {
    await store.end(row.session_hash, 'session-lifetime-over');
    return { state: 'ended', reason: 'session-lifetime-over' };
  }
  const decision = await decide({
    origin: originOf(row),
    video: row.video,
    locale: row.locale,
    asset: row.asset,
  });
  if (!decision.allow) {
    await store.end(row.session_hash, decision.reason);
    return { state: 'ended', reason: decision.reason };
  }
  const renewed = await store.renew(row, nextLeaseDue(now, decision, session.leaseSeconds));
  return renewed ? { state: 'renewed', allowance: decision } : { state: 'void' };
}
