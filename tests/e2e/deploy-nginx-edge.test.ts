import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeDeployment, describeLogs } from '../support/deployment-rules';
import { describeWholeSite } from '../support/front-rules';
import { startNginx } from '../support/front-servers';
import { mint } from '../support/minting';
import { type RawAnswer, rawRequest } from '../support/raw-request';
import { NGINX } from '../support/tools';
import { until } from '../support/until';

const VIEWER = { from: '127.0.7.1', headers: { 'user-agent': 'viewer' } };

describe.skipIf(!NGINX)('nginx, form B: auth_request', () => {
  const deployed = describeDeployment((site, port) => startNginx(site, 'nginx-edge.conf', port), {
    env: { PROTECTED_VOD_EDGE: 'true' },
  });
  describeWholeSite(deployed);

  /** Routes and statuses of what the streamers have answered under a session, in their logs. */
  function answered(session: string): string[] {
    const name = createHash('sha256').update(session).digest('hex').slice(0, 8);
    const lines = deployed()
      .site.output()
      .split('\n')
      .filter((line) => line.includes(`"session":"${name}"`));
    return lines.map((line) => `${/"route":"([\w-]+)"/.exec(line)?.[1]} ${/"status":(\d+)/.exec(line)?.[1]}`);
  }

  it('nginx sends the segment itself, after one question', async () => {
    const { address, openSession, segment } = deployed();
    const session = await openSession();
    expect((await rawRequest(address(session, segment), VIEWER)).status).toBe(200);
    expect((await rawRequest(address(session, 'hls/main.m3u8'), VIEWER)).status).toBe(200);
    await until('the streamers have written what they did', () => answered(session).length === 3);
    expect(answered(session).toSorted()).toEqual([
      'edge 204',
      'multivariant-playlist 200',
      'multivariant-playlist 302',
    ]);
  });

  it('a segment that fell out of the cache is fetched from the streamer', async () => {
    const { site, address, openSession, segment } = deployed();
    const session = await openSession();
    const first = await rawRequest(address(session, segment), VIEWER);
    await rm(path.join(site.cacheDir, 'segments'), { recursive: true });
    const again = await rawRequest(address(session, segment), VIEWER);
    expect(again.status).toBe(200);
    expect(again.body.equals(first.body)).toBe(true);
  });

  it('every precondition and method is answered as the streamer answers it', async () => {
    const { site, address, openSession, segment } = deployed();
    const session = await openSession();
    const direct = `http://127.0.0.1:${site.streamers[0]?.port}/v/${session}/${segment}`;
    const { etag = '' } = (await rawRequest(direct, VIEWER)).headers;
    const [past, future] = ['Mon, 01 Jan 2001 00:00:00 GMT', 'Fri, 01 Jan 2100 00:00:00 GMT'];
    const cases: { method?: string; headers?: Record<string, string> }[] = [
      ...[etag, '"other"', '*', `"other", ${etag}`].flatMap((value) => [
        { headers: { 'if-match': value } },
        { headers: { 'if-none-match': value } },
      ]),
      ...[past, future, 'garbage'].flatMap((value) => [
        { headers: { 'if-unmodified-since': value } },
        { headers: { 'if-modified-since': value } },
      ]),
      ...['HEAD', 'POST', 'PUT', 'DELETE'].map((method) => ({ method })),
    ];
    for (const { method = 'GET', headers = {} } of cases) {
      const asked = { ...VIEWER, method, headers: { ...VIEWER.headers, ...headers } };
      const wanted = await rawRequest(direct, asked);
      const answer = await rawRequest(address(session, segment), asked);
      const shown = ({ status, body, headers: told }: RawAnswer) => [
        status,
        status < 300 ? told['content-length'] : 0,
        status < 300 ? body.byteLength : 0,
      ];
      expect([method, headers, ...shown(answer)]).toEqual([method, headers, ...shown(wanted)]);
    }
  });

  it('S11 a token is redeemed by the streamer, never by a question', async () => {
    const { site, address, segment } = deployed();
    const { token } = await mint(site.app, site.video, site.viewer.jwt);
    const redirect = await rawRequest(address(token, segment), VIEWER);
    expect(redirect.status).toBe(302);
    const session = /ps_[A-Za-z0-9_-]{40}/.exec(redirect.headers.location ?? '')?.[0] ?? '';
    await until('the streamer has written what it did', () => answered(session).length > 0);
    expect(answered(session)).toEqual(['segment 302']);
  });
  describeLogs(deployed);
});
