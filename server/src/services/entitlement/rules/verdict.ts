import type { DenyReason } from '../../../../contracts';
import { type Denial, deny } from '../decision';
import type { RuleCaller } from './rule-caller';

/**
 * What a rule is asked about: a caller who holds the permission, and a published video within its window. Nobody asks about
 * editors who preview and guests with a link.
 */
export interface RuleQuestion {
  caller: RuleCaller;
  /** Type of the caller's role; null for callers without one. */
  role: string | null;
  /** `locale` is that of the published row that is to be played; null on a site without languages. */
  video: { documentId: string; locale: string | null };
}

/** What one rule says. `unmatched`: concerned, and knows nothing in favour of the caller. */
export type Verdict =
  | { kind: 'allow' | 'abstain' }
  | { kind: 'unmatched'; rule: string }
  | {
      kind: 'deny';
      rule: string;
      reason: Extract<DenyReason, 'rule-malformed' | 'rule-denied' | 'rule-failed' | 'rule-too-slow'>;
      /** The rule's own words. */
      words?: string;
    };

/** Null: nothing speaks against it. One denial outweighs all; where a rule is concerned, one has to allow. */
export function combine(verdicts: readonly Verdict[], caller: RuleCaller): Denial | null {
  const denied = verdicts.find((verdict) => verdict.kind === 'deny');
  if (denied) {
    const { rule: name, words } = denied;
    return { ...deny(denied.reason, 'not-entitled'), rule: { name, ...(words !== undefined && { reason: words }) } };
  }
  if (verdicts.some(({ kind }) => kind === 'allow')) return null;
  const unmatched = verdicts.find((verdict) => verdict.kind === 'unmatched');
  if (!unmatched) return null;
  // A visitor who has not signed in may be one for whom the rule would speak.
  const refusal = caller.kind === 'public' ? 'login-required' : 'not-entitled';
  return { ...deny('rule-unmatched', refusal), rule: { name: unmatched.rule } };
}
