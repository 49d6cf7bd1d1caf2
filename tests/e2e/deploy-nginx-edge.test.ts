import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeDeployment, describeLogs } from '../support/deployment-rules';
import { describeWholeSite } from '../support/front-rules';
import { startNginx } from '../support/front-servers';
import { mint } from '../support/minting';
import { rawRequest } from '../support/raw-request';
import { NGINX } from '../support/tools';

const VIEWER = { from: '127.0.7.1', headers: { 'user-agent': 'viewer' } };

describe.skipIf(!NGINX)('nginx, form B: auth_request', () => {
  const deployed = describeDeployment((site, port) => startNginx(site, 'nginx-edge.conf', port), {
    env: { PROTECTED_VOD_EDGE: 'true' },
  });
  describeWholeSite(deployed);

  /** How often the streamers have answered `route` with `status`. */
  const answered = (route: string, status: number) =>
    deployed()
      .site.output()
      .split('\n')
      .filter((line) => line.includes(`"route":"${route}"`) && line.includes(`"status":${status}`)).length;

  it('nginx sends the segment itself, after one question', async () => {
    const { address, openSession, segment } = deployed();
    const session = await openSession();
    const before = { asked: answered('edge', 204), sent: answered('segment', 200) };
    expect((await rawRequest(address(session, segment), VIEWER)).status).toBe(200);
    expect({ asked: answered('edge', 204), sent: answered('segment', 200) }).toEqual({
      asked: before.asked + 1,
      sent: before.sent,
    });
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

  it('S11 a token is redeemed by the streamer, never by a question', async () => {
    const { site, address, segment } = deployed();
    const { token } = await mint(site.app, site.video, site.viewer.jwt);
    const before = answered('edge', 204) + answered('edge', 403);
    expect((await rawRequest(address(token, segment), VIEWER)).status).toBe(302);
    expect(answered('edge', 204) + answered('edge', 403)).toBe(before);
  });
  describeLogs(deployed);
});
