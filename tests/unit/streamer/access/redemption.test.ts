import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeSessionId } from '../../../support/stand-in-plugin';
import { until } from '../../../support/until';
import { clientAt, type Site, startSite } from './harness';

const FORBIDDEN = 'Forbidden\n';

/** Sets the calendar, and no timer, to when every token of this file has expired. */
function letExpire(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 });
}

describe('S11 a token', () => {
  let site: Site;
  beforeEach(async () => {
    site = await startSite();
  });
  afterEach(async () => {
    vi.useRealTimers();
    expect(site.plugin.violations).toEqual([]);
    await site.stop();
  });

  it.each([
    ['hls/main.m3u8', '../../'],
    ['dash/manifest.mpd', '../../'],
    ['hls/source-v1/1.m4s', '../../../'],
    ['mp4', '../'],
    ['download', '../'],
  ])('is exchanged for a relative address of %s that holds under any mount', async (path, up) => {
    const token = await site.plugin.mint();
    const answer = await site.ask(`/v/${token}/${path}?player=1`);
    const sessionId = site.plugin.sessionOf(token);
    expect(answer.status).toBe(302);
    expect(answer.headers.location).toBe(`${up}${sessionId}/${path}`);
    expect(answer.headers['cache-control']).toBe('private, no-store');
    const mounted = new URL(String(answer.headers.location), `http://h/protected-vod/stream/v/${token}/${path}`);
    expect(mounted.pathname).toBe(`/protected-vod/stream/v/${sessionId}/${path}`);
    expect((await site.ask(`/v/${sessionId}/${path}`)).status).toBe(200);
  });

  it('is asked about once, also when its client comes back to it many times or after its expiry', async () => {
    const token = await site.plugin.mint();
    const answers = await Promise.all(Array.from({ length: 20 }, () => site.ask(`/v/${token}/mp4`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([302]));
    letExpire();
    expect((await site.ask(`/v/${token}/mp4`)).status).toBe(302);
    expect(site.plugin.introspections).toHaveLength(1);
  });

  it('HEAD and OPTIONS never redeem', async () => {
    const token = await site.plugin.mint();
    const head = await site.ask(`/v/${token}/mp4`, { method: 'HEAD' });
    expect(head.status).toBe(403);
    expect(head.headers.location).toBeUndefined();
    expect((await site.ask(`/v/${token}/mp4`, { method: 'OPTIONS' })).status).toBe(204);
    expect(site.plugin.introspections).toHaveLength(0);
    await site.ask(`/v/${token}/mp4`);
    expect((await site.ask(`/v/${token}/mp4`, { method: 'HEAD' })).status).toBe(302);
  });

  it('is not redeemed for an address that names nothing, nor for a protocol it does not name', async () => {
    const token = await site.plugin.mint({ protocols: ['hls'] });
    expect((await site.ask(`/v/${token}/nothing`)).status).toBe(403);
    expect((await site.ask(`/v/${token}/mp4`)).status).toBe(403);
    expect(site.plugin.introspections).toHaveLength(0);
  });

  it('that expired opens nothing and hands nothing over, and its refusal carries no Location', async () => {
    const fresh = await site.plugin.mint({ expiresInSeconds: -1 });
    const refused = await site.ask(`/v/${fresh}/mp4`);
    expect(refused.status).toBe(403);
    expect(refused.headers.location).toBeUndefined();

    const token = await site.plugin.mint();
    await site.ask(`/v/${token}/mp4`);
    letExpire();
    const before = site.plugin.introspections.length;
    const stranger = await site.ask(`/v/${token}/mp4`, { from: '127.0.1.1' });
    expect(stranger.status).toBe(403);
    expect(stranger.headers.location).toBeUndefined();
    expect(site.plugin.introspections).toHaveLength(before);
  });

  it('a live session is refused to another client without a Location, by token and by session id', async () => {
    const { token, sessionId } = await site.open();
    for (const credential of [token, sessionId]) {
      for (const path of ['mp4', 'hls/main.m3u8', 'nothing']) {
        const answer = await site.ask(`/v/${credential}/${path}`, { from: '127.0.1.1', agent: 'other' });
        expect(answer.status).toBe(403);
        expect(answer.headers.location).toBeUndefined();
        expect(answer.body.toString()).toBe(FORBIDDEN);
      }
    }
  });

  it('is forgotten with its session', async () => {
    const { token, sessionId } = await site.open();
    site.plugin.end(sessionId);
    const refused = async () => (await site.ask(`/v/${token}/mp4`)).status === 403;
    await until('the token is refused', refused);
    expect((await site.ask(`/v/${sessionId}/mp4`)).status).toBe(403);
  });

  it('every refusal before the gate is the same, and an empty credential is 401', async () => {
    const bodies = new Set<string>();
    const credentials = [
      'x',
      'ps_',
      `ps_${'A'.repeat(40)}`,
      'a.b.c',
      '..',
      '%2e%2e',
      makeSessionId('A'.repeat(43)),
      'é'.normalize(),
    ];
    for (const credential of credentials) {
      const answer = await site.ask(`/v/${encodeURI(credential)}/mp4`);
      expect(answer.status).toBe(403);
      bodies.add(JSON.stringify([answer.body.toString(), { ...answer.headers, date: '' }]));
    }
    expect(bodies.size).toBe(1);
    for (const path of ['/v//mp4', '/v/', '/v']) {
      const answer = await site.ask(path);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBeDefined();
    }
    expect(site.plugin.introspections).toHaveLength(0);
  });
});

describe('a session id that this streamer has not seen', () => {
  it('is asked about and served, or refused to the wrong client', async () => {
    const site = await startSite();
    const sessionId = site.plugin.openSession(clientAt('127.0.0.1'));
    expect((await site.ask(`/v/${sessionId}/mp4`, { from: '127.0.1.1', agent: 'other' })).status).toBe(403);
    expect((await site.ask(`/v/${sessionId}/mp4`)).status).toBe(200);
    expect((await site.ask(`/v/${sessionId}/mp4`)).status).toBe(200);
    expect(site.plugin.introspections).toHaveLength(2);
    expect(site.plugin.introspections[1]?.idleMs).toBeNull();
    await site.stop();
  });

  it('with a true tag that the plugin does not know is asked about once', async () => {
    const site = await startSite();
    const sessionId = makeSessionId(site.plugin.keys.credential);
    for (let count = 0; count < 30; count += 1) expect((await site.ask(`/v/${sessionId}/mp4`)).status).toBe(403);
    expect(site.plugin.introspections).toHaveLength(1);
    await site.stop();
  });
});
