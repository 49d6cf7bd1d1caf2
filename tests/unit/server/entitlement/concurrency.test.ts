import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../server/src/config';
import { concurrencyFor } from '../../../../server/src/services/entitlement/concurrency';

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
  it('holds for users alone: the public and an API token stand for many people', () => {
    expect(concurrencyFor({ kind: 'public' }, session({ maxConcurrent: 2 }))).toBeNull();
    expect(concurrencyFor({ kind: 'api-token', id: '12' }, session({ maxConcurrent: 2 }))).toBeNull();
  });
});
