import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashOf } from '../../../support/stand-in-plugin';
import { until } from '../../../support/until';
import { readSlowly, type Site, startSite } from './harness';

const ELSEWHERE = '127.0.1.1';

describe('S12 one client at a time', () => {
  let site: Site;
  beforeEach(async () => {
    site = await startSite({ filmBytes: 32 * 1024 * 1024 });
  });
  afterEach(async () => {
    expect(site.plugin.violations).toEqual([]);
    await site.stop();
  });

  it('another user agent in the same network is the same client', async () => {
    const { sessionId } = await site.open();
    const answer = await site.ask(`/v/${sessionId}/mp4`, {
      from: '127.0.0.9',
      agent: 'cast',
      headers: { range: 'bytes=0-0' },
    });
    expect(answer.status).toBe(206);
    expect(site.plugin.introspections).toHaveLength(1);
  });

  it('the same user agent from another network takes over, and the old network must itself take over again', async () => {
    const { sessionId } = await site.open();
    const range = { range: 'bytes=0-0' };
    expect((await site.ask(`/v/${sessionId}/mp4`, { from: ELSEWHERE, headers: range })).status).toBe(206);
    expect(site.plugin.introspections).toHaveLength(2);
    site.advance(2);
    expect((await site.ask(`/v/${sessionId}/mp4`, { agent: 'other', headers: range })).status).toBe(403);
    expect((await site.ask(`/v/${sessionId}/mp4`, { from: ELSEWHERE, headers: range })).status).toBe(206);
    expect(site.plugin.introspections).toHaveLength(3);
  });

  it('a take-over closes the running responses of the old client', async () => {
    const { sessionId } = await site.open();
    const slow = readSlowly(site.port, `/v/${sessionId}/mp4`);
    await slow.started;
    expect((await site.ask(`/v/${sessionId}/mp4`, { from: ELSEWHERE, headers: { range: 'bytes=0-0' } })).status).toBe(
      206,
    );
    await until('the old response is closed', () => site.responses('progressive').some(({ complete }) => !complete));
    expect(await slow.finish()).toBeLessThan(site.film.length);
  });

  it('an open, blocked response is activity: idleMs stays 0 in questions and reports', async () => {
    const { sessionId } = await site.open();
    const slow = readSlowly(site.port, `/v/${sessionId}/mp4`);
    await slow.started;
    site.advance(20);
    expect((await site.ask(`/v/${sessionId}/mp4`, { from: ELSEWHERE, agent: 'other' })).status).toBe(403);
    expect(site.plugin.introspections.at(-1)?.idleMs).toBe(0);
    const reported = site.plugin.syncs.length;
    await until('a later report', () => site.plugin.syncs.length > reported + 1);
    expect(site.plugin.syncs.at(-1)?.sessions[0]?.idleMs).toBe(0);
    slow.destroy();
  });

  it('after silence another client takes over, and the question tells the silence seen here', async () => {
    const { sessionId } = await site.open();
    site.advance(16);
    const answer = await site.ask(`/v/${sessionId}/mp4`, {
      from: ELSEWHERE,
      agent: 'other',
      headers: { range: 'bytes=0-0' },
    });
    expect(answer.status).toBe(206);
    expect(site.plugin.introspections.at(-1)?.idleMs).toBeGreaterThanOrEqual(16_000);
  });

  it('attempts are bounded per session, however many user agents make them', async () => {
    const { sessionId } = await site.open();
    for (let count = 0; count < 60; count += 1) {
      const answer = await site.ask(`/v/${sessionId}/mp4`, { from: ELSEWHERE, agent: `robot ${count}` });
      expect(answer.status).toBe(403);
    }
    expect(site.plugin.introspections.length).toBeLessThanOrEqual(5);
  });

  it('nothing is handed over during an outage', async () => {
    const { sessionId } = await site.open();
    site.plugin.faults.sync = { status: 503, body: '' };
    await until(
      'the outage is noticed',
      async () => (await site.metric('protected_vod_syncs_total{result="unavailable"}')) > 0,
    );
    const before = site.plugin.introspections.length;
    expect((await site.ask(`/v/${sessionId}/mp4`, { from: ELSEWHERE })).status).toBe(503);
    expect(site.plugin.introspections).toHaveLength(before);
    expect((await site.ask(`/v/${sessionId}/mp4`, { headers: { range: 'bytes=0-0' } })).status).toBe(206);
  });

  it('a hand-over that another streamer made arrives by sync and shuts the old client out', async () => {
    const { sessionId } = await site.open();
    const moved = { addressPrefix: '203.0.113.0/24', agent: '0123456789abcdef' };
    site.plugin.faults.verdict = (verdict) =>
      verdict.state === 'renewed' ? { ...verdict, grant: { ...verdict.grant, client: moved, generation: 7 } } : verdict;
    // An answer that is under way when the hand-over arrives is cut off, which is no refusal yet.
    const statusNow = () =>
      site.ask(`/v/${sessionId}/mp4`, { agent: 'x', headers: { range: 'bytes=0-0' } }).then(
        ({ status }) => status,
        () => 0,
      );
    await until('the old client is refused', async () => (await statusNow()) === 403);
    await until('the new generation is reported', () => site.plugin.syncs.at(-1)?.sessions[0]?.generation === 7);
  });

  it('what another streamer made is acknowledged at once, ahead of the next report', async () => {
    const { sessionId } = await site.open();
    await site.open();
    const session = hashOf(sessionId);
    const moved = { addressPrefix: '203.0.113.0/24', agent: '0123456789abcdef' };
    site.plugin.faults.verdict = (verdict) =>
      verdict.state === 'renewed' && verdict.session === session
        ? { ...verdict, grant: { ...verdict.grant, client: moved, generation: 1 } }
        : verdict;
    const first = () =>
      site.plugin.syncs.find(({ sessions }) =>
        sessions.some((entry) => entry.session === session && entry.generation === 1),
      );
    const acknowledgement = await until('it is acknowledged', first);
    // Reports name both sessions; this one is for whoever waits.
    expect(acknowledgement.sessions.map((entry) => entry.session)).toEqual([session]);
  });

  it('that is still pending is 503, to be asked again, and nothing is remembered', async () => {
    const { sessionId } = await site.open();
    const range = { range: 'bytes=0-0' };
    site.plugin.faults.introspect = { status: 200, body: '{"active":false,"final":false,"pending":true}' };
    const early = await site.ask(`/v/${sessionId}/mp4`, { from: ELSEWHERE, headers: range });
    expect([early.status, early.headers['retry-after']]).toEqual([503, '1']);
    delete site.plugin.faults.introspect;
    const moved = () => site.ask(`/v/${sessionId}/mp4`, { from: ELSEWHERE, headers: range });
    await until('it takes over', async () => (await moved()).status === 206);
  });

  it('a streamer that stops says that nobody has to wait for it any more', async () => {
    const { sessionId } = await site.open();
    await site.streamer.stop();
    expect(site.plugin.syncs.at(-1)).toMatchObject({ leaving: true, sessions: [{ session: hashOf(sessionId) }] });
    expect(site.plugin.syncs.filter(({ leaving }) => leaving)).toHaveLength(1);
  });

  it('questions and reports of one process carry one name', async () => {
    await site.open();
    await until('a report', () => site.plugin.syncs.length > 0);
    const names = [...site.plugin.introspections.map(({ streamer }) => streamer), site.plugin.syncs[0]?.bootId];
    expect(new Set(names).size).toBe(1);
  });

  it('a verdict of an older generation changes nothing', async () => {
    const { sessionId } = await site.open();
    const range = { range: 'bytes=0-0' };
    expect((await site.ask(`/v/${sessionId}/mp4`, { from: ELSEWHERE, headers: range })).status).toBe(206);
    const stale = { addressPrefix: '127.0.0.0/24', agent: '0123456789abcdef' };
    site.plugin.faults.verdict = (verdict) =>
      verdict.state === 'renewed' ? { ...verdict, grant: { ...verdict.grant, client: stale, generation: 0 } } : verdict;
    const reported = site.plugin.syncs.length;
    await until('stale verdicts arrived', () => site.plugin.syncs.length > reported + 2);
    expect((await site.ask(`/v/${sessionId}/mp4`, { from: ELSEWHERE, headers: range })).status).toBe(206);
    expect(site.plugin.syncs.at(-1)?.sessions[0]?.generation).toBe(1);
  });
});

describe('a session that is bound to no client', () => {
  let site: Site;
  beforeEach(async () => {
    site = await startSite({ filmBytes: 32 * 1024 * 1024 });
    site.plugin.terms.anyClient = true;
  });
  afterEach(() => site.stop());

  it('serves whoever has its address, and asks nobody', async () => {
    const { sessionId } = await site.open();
    const range = { range: 'bytes=0-0' };
    for (const from of ['127.0.0.1', ELSEWHERE, '127.0.2.1', '127.0.0.1']) {
      expect((await site.ask(`/v/${sessionId}/mp4`, { from, agent: `player ${from}`, headers: range })).status).toBe(
        206,
      );
    }
    expect(site.plugin.introspections).toHaveLength(1);
  });

  it('is bound from its next renewal on, if that binds it: what runs elsewhere is cut', async () => {
    const { sessionId } = await site.open();
    const slow = readSlowly(site.port, `/v/${sessionId}/mp4`, { from: ELSEWHERE });
    await slow.started;
    const own = readSlowly(site.port, `/v/${sessionId}/mp4`);
    await own.started;
    delete site.plugin.terms.anyClient;
    await until('the response elsewhere is closed', () =>
      site.responses('progressive').some(({ complete }) => !complete),
    );
    expect(await slow.finish()).toBeLessThan(site.film.length);
    expect(await own.finish()).toBe(site.film.length);
  });
});
