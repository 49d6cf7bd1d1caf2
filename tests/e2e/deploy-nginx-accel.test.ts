import { describe, expect, it } from 'vitest';
import { describeDeployment, describeLogs } from '../support/deployment-rules';
import { describeSlowReader, describeWholeSite } from '../support/front-rules';
import { startNginx } from '../support/front-servers';
import { rawRequest } from '../support/raw-request';
import { NGINX } from '../support/tools';

const VIEWER = { from: '127.0.7.1', headers: { 'user-agent': 'viewer' } };

describe.skipIf(!NGINX)('nginx, form A: X-Accel-Redirect', () => {
  const deployed = describeDeployment((site, port) => startNginx(site, 'nginx-accel.conf', port), {
    env: { PROTECTED_VOD_ACCEL_PREFIX: '/protected-vod-segments/' },
  });
  describeWholeSite(deployed);
  describeSlowReader(deployed, 48);

  it('the streamer tells nginx the file and sends nothing itself; the file has no address of its own', async () => {
    const { site, front, segment, openSession } = deployed();
    const session = await openSession();
    const told = await rawRequest(`http://127.0.0.1:${site.streamers[0]?.port}/v/${session}/${segment}`, {
      headers: { 'user-agent': 'viewer', 'x-forwarded-for': '127.0.7.1' },
    });
    expect(told.headers['x-accel-redirect']).toMatch(/^\/protected-vod-segments\/[0-9a-f]{32}\.[0-9a-f]{32}\.m4s$/);
    expect(told.body.byteLength).toBe(0);
    const named = `http://127.0.0.1:${front.port}${String(told.headers['x-accel-redirect'])}`;
    expect((await rawRequest(named, VIEWER)).status).toBe(404);
  });
  describeLogs(deployed);
});
