import { describe, expect, it } from 'vitest';
import { ruleCallerOf } from '../../../../../server/src/services/entitlement/rules/rule-caller';
import { subjectOrigin } from '../../../../../server/src/tokens/subject-origin';

describe('a rule', () => {
  it('judges the person, whoever asked in that person’s name', () => {
    expect(ruleCallerOf({ kind: 'user', id: '12', apiToken: '7' })).toEqual({ kind: 'user', id: '12' });
    const attributes = { plan: 'gold' };
    const ann = { ...subjectOrigin('7', { id: 'Ann', role: 'subscriber', attributes }), mark: 'm' };
    expect(ruleCallerOf(ann)).toEqual({ kind: 'subject', id: 'Ann', apiToken: '7', attributes });
  });

  it('is not asked about editors who preview and guests of a link', () => {
    expect([ruleCallerOf({ kind: 'admin', id: '1' }), ruleCallerOf({ kind: 'guest-link', id: 'b' })]).toEqual([
      null,
      null,
    ]);
  });
});
