import type { DenyReason } from '../../../contracts';
import type { PluginConfig } from '../../config';
import type { Allowance, Decision, Question, RuleDenial } from '../entitlement/decision';
import { type Lifetime, lifetimeOf, type Silence } from './lifetime';
import { originOf, type SessionRow } from './row';
import type { SlotClaims } from './slot-claims';

/** What a fresh decision means for a running session. Nothing is written yet. */
export type Judgement =
  | { row: SessionRow; outcome: 'renew'; allowance: Allowance; leaseDue: number }
  | { row: SessionRow; outcome: 'end'; reason: DenyReason; rule?: RuleDenial | undefined };

export interface JudgementParts {
  decide(question: Question): Promise<Decision>;
  session: PluginConfig['session'];
  silence: Silence;
}

/** What a session's row asks at each lease. */
export function questionOf(row: SessionRow): Question {
  return { origin: originOf(row), video: row.video, locale: row.locale, asset: row.asset };
}

/**
 * When the plugin decides again: at half of the lease, so that a renewal arrives before the streamer's lease runs out;
 * earlier where the answer changes by itself before that.
 */
function nextLeaseDue(now: number, { validUntil }: Allowance, { endsAt }: Lifetime, leaseSeconds: number): number {
  return Math.min(now + leaseSeconds * 500, endsAt, validUntil ?? endsAt);
}

/** What the row says costs nothing, and mostly is enough. */
async function isOver({ since, ms }: Silence, { silenceMs }: Lifetime, now: number): Promise<boolean> {
  return now - since >= silenceMs && (await ms()) >= silenceMs;
}

/**
 * Decides again for a running session. Holds only if no change raises the epoch before it is settled (S6), so the
 * deliberation behind `decide` must have begun after `row` was read.
 */
export async function judgeSession(row: SessionRow, parts: JudgementParts): Promise<Judgement> {
  const now = Date.now();
  const decision = await parts.decide(questionOf(row));
  if (!decision.allow) return { row, outcome: 'end', reason: decision.reason, rule: decision.rule };
  const lifetime = lifetimeOf(row, decision, parts.session);
  if (lifetime.endsAt <= now) return { row, outcome: 'end', reason: 'session-lifetime-over' };
  if (await isOver(parts.silence, lifetime, now)) return { row, outcome: 'end', reason: 'session-silent' };
  return {
    row,
    outcome: 'renew',
    allowance: decision,
    leaseDue: nextLeaseDue(now, decision, lifetime, parts.session.leaseSeconds),
  };
}

/** Ends those of the renewed for whom a limit of concurrent sessions leaves no room (S9); all at once, to ask once. */
export async function judgeRoom(judgements: readonly Judgement[], claims: SlotClaims): Promise<Judgement[]> {
  const running = judgements.flatMap((judgement) => {
    const concurrency = judgement.outcome === 'renew' ? judgement.allowance.concurrency : null;
    return concurrency === null ? [] : [{ tokenId: judgement.row.token_id, concurrency }];
  });
  if (running.length === 0) return [...judgements];
  const without = await claims.withoutRoom(running);
  return judgements.map((judgement) =>
    judgement.outcome === 'renew' && without.has(judgement.row.token_id)
      ? { row: judgement.row, outcome: 'end', reason: 'concurrency-limit' }
      : judgement,
  );
}
