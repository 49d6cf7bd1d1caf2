import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../server/src/config';
import { concurrencyFor } from '../../../../server/src/services/entitlement/concurrency';
import { subjectOrigin } from '../../../../server/src/tokens/subject-origin';

const session = (more: object) => parseConfig({ session: more }).session;

describe('S9 the limit of concurrent sessions', () => {
  it('is none unless the site sets one', () => {
    expect(concurrencyFor({ kind: 'user', id: '12' }, session({}))).toBeNull();
  });
  it('counts the sessions of one user together', () => {
    expect(concurrencyFor({ kind: 'user', id: '12' }, session({ maxConcurrent: 2 }))).toEqual({
      subject: 'user:12',
      limit: 2,
      atLimit: 'refuse',
    });
  });
  it('counts a user who lives elsewhere likewise, apart from everybody else', () => {
    const ann = subjectOrigin('7', { id: 'ann', role: 'subscriber', attributes: {} });
    expect(concurrencyFor(ann, session({ maxConcurrent: 2 }))).toMatchObject({ subject: 'subject:7:ann', limit: 2 });
  });
  it('holds for persons alone: the public and an API token stand for many people', () => {
    expect(concurrencyFor({ kind: 'public' }, session({ maxConcurrent: 2 }))).toBeNull();
    expect(concurrencyFor({ kind: 'api-token', id: '12' }, session({ maxConcurrent: 2 }))).toBeNull();
  });
});
