import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashOf } from '../../../support/stand-in-plugin';
import { until } from '../../../support/until';
import { ask, clientAt, readSlowly, type Site, type SlowReader, startSite } from './harness';

describe('the sync', () => {
  let site: Site;
  beforeEach(async () => {
    site = await startSite({ filmBytes: 64 * 1024 * 1024 });
  });
  afterEach(async () => {
    expect(site.plugin.violations).toEqual([]);
    await site.stop();
  });

  /** 0: the connection was cut while it was answered. */
  const status = (sessionId: string): Promise<number> =>
    site
      .ask(`/v/${sessionId}/mp4`, { headers: { range: 'bytes=0-0' } })
      .then((answer) => answer.status)
      .catch(() => 0);

  const startSlowly = async (sessionId: string, path: string): Promise<SlowReader> => {
    const reader = readSlowly(site.port, `/v/${sessionId}/${path}`);
    await reader.started;
    return reader;
  };

  it('S6 numbers its requests and keeps the name of its boot', async () => {
    await site.open();
    await until('some syncs', () => site.plugin.syncs.length > 5);
    const sequences = site.plugin.syncs.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    expect(new Set(site.plugin.syncs.map(({ bootId }) => bootId)).size).toBe(1);
  });

  it('S17 sends one request for all sessions and reports each use once', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await site.open()).sessionId));
    for (const id of ids) await status(id);
    const sum = (id: string) => {
      const usages = site.plugin.syncs.flatMap(({ sessions }) =>
        sessions.filter(({ session }) => session === hashOf(id)),
      );
      return usages.reduce((total, { bytes }) => total + bytes, 0);
    };
    await until('all is reported', () => ids.every((id) => sum(id) === 1));
    const seen = site.plugin.syncs.length;
    await until('more syncs', () => site.plugin.syncs.length > seen + 2);
    expect(ids.every((id) => sum(id) === 1)).toBe(true);
    expect(site.plugin.syncs.at(-1)?.sessions).toHaveLength(20);
  });

  it('usage of a failed report is told again', async () => {
    const { sessionId } = await site.open();
    site.plugin.faults.sync = 'reset';
    await until('syncs fail', async () => (await site.metric('protected_vod_syncs_total{result="unavailable"}')) > 1);
    await status(sessionId);
    site.plugin.syncs.length = 0;
    const failed = await site.metric('protected_vod_syncs_total{result="unavailable"}');
    await until(
      'they fail again',
      async () => (await site.metric('protected_vod_syncs_total{result="unavailable"}')) > failed + 2,
    );
    delete site.plugin.faults.sync;
    const bytes = () =>
      site.plugin.syncs.flatMap(({ sessions }) => sessions).reduce((sum, usage) => sum + usage.bytes, 0);
    await until('the byte is reported', () => bytes() === 1);
  });

  it('without sessions is a sign of life now and then', async () => {
    await until('two heartbeats', () => site.plugin.syncs.length >= 2);
    expect(site.plugin.syncs.every(({ sessions }) => sessions.length === 0)).toBe(true);
  });

  it('S17 a poisoned result harms its own session only', async () => {
    const healthy = await site.open();
    const poisoned = await site.open();
    const hash = hashOf(poisoned.sessionId);
    site.plugin.faults.verdict = (verdict) =>
      verdict.session === hash ? { session: hash, state: 'renewed', grant: {} } : verdict;
    for (let round = 0; round < 4; round += 1) {
      const seen = site.plugin.syncs.length;
      await until('a full round', () => site.plugin.syncs.length > seen + 2);
      site.advance(9);
      expect(await status(healthy.sessionId)).toBe(206);
    }
    // Not renewed for 36 seconds: it has to be asked about anew, and only it.
    const questions = site.plugin.introspections.length;
    expect(await status(poisoned.sessionId)).toBe(206);
    expect(site.plugin.introspections).toHaveLength(questions + 1);
  });

  it('S15 the end of a session destroys its slow readers at once', async () => {
    const { sessionId } = await site.open();
    const readers = [await startSlowly(sessionId, 'mp4'), await startSlowly(sessionId, 'download')];
    site.plugin.end(sessionId);
    const cut = (route: string) => site.responses(route).some(({ complete }) => !complete);
    await until('the connections are gone', () => cut('progressive') && cut('download'));
    expect(await status(sessionId)).toBe(403);
    for (const reader of readers) expect(await reader.finish()).toBeLessThan(site.film.length / 4);
  });

  it('S18 ended stays ended, whatever comes later', async () => {
    const { sessionId } = await site.open();
    const hash = hashOf(sessionId);
    site.plugin.faults.verdict = (verdict) => (verdict.session === hash ? { session: hash, state: 'ended' } : verdict);
    await until('it is refused', async () => (await status(sessionId)) === 403);
    delete site.plugin.faults.verdict;
    site.advance(120);
    const questions = site.plugin.introspections.length;
    expect(await status(sessionId)).toBe(403);
    expect(site.plugin.introspections).toHaveLength(questions);
  });

  it.each([
    ['an answer of 500', { status: 500, body: '' }],
    ['a reset', 'reset'],
    ['silence', 'hang'],
  ] as const)('S18 %s gives lease and grace, no more', async (_what, fault) => {
    const { sessionId } = await site.open();
    site.plugin.faults.sync = fault;
    site.plugin.faults.introspect = fault;
    await until(
      'the outage is noticed',
      async () => (await site.metric('protected_vod_syncs_total{result="unavailable"}')) > 0,
    );
    site.advance(40);
    expect(await status(sessionId)).toBe(206);
    const reader = await startSlowly(sessionId, 'mp4');
    site.advance(21);
    const refused = await site.ask(`/v/${sessionId}/mp4`);
    expect(refused.status).toBe(503);
    expect(refused.headers['retry-after']).toBeDefined();
    await until('the reader is cut', () =>
      site.responses('progressive').some(({ status: sent, complete }) => sent === 200 && !complete),
    );
    expect(await reader.finish()).toBeLessThan(site.film.length / 4);
    const token = await site.plugin.mint();
    expect((await site.ask(`/v/${token}/mp4`)).status).toBe(503);
  });

  it.each([
    ['401', { status: 401, body: '{}' }],
    ['403', { status: 403, body: '{}' }],
    ['a redirect', { status: 302, body: '' }],
    ['no JSON', { status: 200, body: '<html>' }],
    ['another shape', { status: 200, body: '{"results":1}' }],
    ['a huge body', { status: 200, body: `"${'x'.repeat(5 * 1024 * 1024)}"` }],
  ])('S18 %s ends playback with the lease', async (_what, fault) => {
    const { sessionId } = await site.open();
    site.plugin.faults.sync = fault;
    site.plugin.faults.introspect = fault;
    await until('it is noticed', async () => (await site.metric('protected_vod_syncs_total{result="broken"}')) > 0);
    site.advance(25);
    expect(await status(sessionId)).toBe(206);
    site.advance(6);
    expect(await status(sessionId)).toBe(503);
  });

  it('a session that was paused for long is forgotten and comes back by a question', async () => {
    const { sessionId } = await site.open();
    expect(await site.metric('protected_vod_sessions')).toBe(1);
    site.advance(91);
    await until('it is forgotten', async () => (await site.metric('protected_vod_sessions')) === 0);
    expect(await status(sessionId)).toBe(206);
    expect(site.plugin.introspections).toHaveLength(2);
  });

  it('S17 equal questions share one request', async () => {
    const sessionId = site.plugin.openSession(clientAt('127.0.0.1'));
    const answers = await Promise.all(Array.from({ length: 8 }, () => status(sessionId)));
    expect(new Set(answers)).toEqual(new Set([206]));
    expect(site.plugin.introspections).toHaveLength(1);
  });
});

it('S17 a round of 501 sessions is two requests', async () => {
  const site = await startSite({ overrides: { syncIntervalMs: 500 } });
  const ids = Array.from({ length: 501 }, () => site.plugin.openSession(clientAt('127.0.0.1')));
  for (const id of ids) await ask(site.port, `/v/${id}/mp4`, { method: 'HEAD' });
  await until('a round of 501', () => {
    const [last, previous] = [...site.plugin.syncs].reverse();
    return (last?.sessions.length ?? 0) + (previous?.sessions.length ?? 0) === 501;
  });
  expect(Math.max(...site.plugin.syncs.map(({ sessions }) => sessions.length))).toBe(500);
  expect(site.plugin.violations).toEqual([]);
  await site.stop();
}, 30_000);
