import type { DenyReason } from '../../../contracts';
import type { PluginConfig } from '../../config';
import type { Allowance, Decision, Question } from '../entitlement/decision';
import { originOf, type SessionRow } from './row';

/** What a fresh decision means for a running session. Nothing is written yet. */
export type Judgement =
  | { row: SessionRow; outcome: 'renew'; allowance: Allowance; leaseDue: number }
  | { row: SessionRow; outcome: 'end'; reason: DenyReason };

/**
 * When the plugin decides again: at half of the lease, so that a renewal arrives before the streamer's lease runs out;
 * earlier where the answer changes by itself before that.
 */
function nextLeaseDue(now: number, allowance: Allowance, leaseSeconds: number): number {
  const half = now + leaseSeconds * 500;
  return allowance.validUntil === null ? half : Math.min(half, allowance.validUntil);
}

/**
 * Decides again for a running session. Holds only if no change raises the epoch before it is settled (S6), so the
 * deliberation behind `decide` must have begun after `row` was read.
 */
export async function judgeSession(
  row: SessionRow,
  decide: (question: Question) => Promise<Decision>,
  session: PluginConfig['session'],
): Promise<Judgement> {
  const now = Date.now();
  if (row.started_at + session.maxLifetimeSeconds * 1000 <= now) {
    return { row, outcome: 'end', reason: 'session-lifetime-over' };
  }
  const decision = await decide({ origin: originOf(row), video: row.video, locale: row.locale, asset: row.asset });
  if (!decision.allow) return { row, outcome: 'end', reason: decision.reason };
  return { row, outcome: 'renew', allowance: decision, leaseDue: nextLeaseDue(now, decision, session.leaseSeconds) };
}
