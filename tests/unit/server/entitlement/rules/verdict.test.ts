import { describe, expect, it } from 'vitest';
import { combine, type Verdict } from '../../../../../server/src/services/entitlement/rules/verdict';

const user = { kind: 'user', id: '1' } as const;
const allow: Verdict = { kind: 'allow' };
const abstain: Verdict = { kind: 'abstain' };
const unmatched = (rule: string): Verdict => ({ kind: 'unmatched', rule });
const denied: Verdict = { kind: 'deny', rule: 'ban', reason: 'rule-denied', words: 'chargeback' };

describe('several rules', () => {
  it.each<[string, Verdict[]]>([
    ['none', []],
    ['all abstain', [abstain, abstain]],
    ['one allows', [abstain, allow]],
    ['one of those that are concerned allows', [unmatched('a'), allow, unmatched('b')]],
  ])('%s: nothing speaks against it', (_what, verdicts) => {
    expect(combine(verdicts, user)).toBeNull();
  });

  it('one denial outweighs all', () => {
    expect(combine([allow, unmatched('a'), denied, allow], user)).toEqual({
      allow: false,
      reason: 'rule-denied',
      refusal: 'not-entitled',
      rule: { name: 'ban', reason: 'chargeback' },
    });
  });

  it('where one is concerned and none allows, it names the first that is', () => {
    const denial = { allow: false, reason: 'rule-unmatched', rule: { name: 'a' } };
    expect(combine([abstain, unmatched('a'), unmatched('b')], user)).toEqual({ ...denial, refusal: 'not-entitled' });
    expect(combine([unmatched('a')], { kind: 'public' })).toEqual({ ...denial, refusal: 'login-required' });
  });
});
