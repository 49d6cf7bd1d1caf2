import { describe, expect, it } from 'vitest';
import { describeDeployment, describeLogs } from '../support/deployment-rules';
import { describeSlowReader } from '../support/front-rules';
import { startVarnish } from '../support/front-servers';
import { rawRequest } from '../support/raw-request';
import { VARNISHD } from '../support/tools';

const VIEWER = { from: '127.0.7.1', headers: { 'user-agent': 'viewer' } };

describe.skipIf(!VARNISHD)('Varnish', () => {
  const deployed = describeDeployment(startVarnish, { env: { PROTECTED_VOD_EDGE: 'true' } });
  describeSlowReader(deployed, 12);

  it('refuses WebSocket, whose connection could not be bound to one request', async () => {
    const { address, openSession } = deployed();
    const headers = { ...VIEWER.headers, connection: 'upgrade', upgrade: 'websocket' };
    expect((await rawRequest(address(await openSession(), 'live.flv'), { ...VIEWER, headers })).status).toBe(501);
  });
  describeLogs(deployed);
});
