import { renameSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../support/until';
import { ask, type Site, startSite } from '../access/harness';

describe('the operations socket', () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site.stop());
  const ops = (target: string, method = 'GET') => ask(site.opsPort, target, { method });
  const ready = async () => (await ops('/readyz')).status === 200;

  it('says alive, and ready after the first sync', async () => {
    expect((await ops('/healthz')).status).toBe(200);
    await until('it is ready', ready);
  });

  it('is not ready without its plugin, and says so in words', async () => {
    site.plugin.faults.sync = { status: 403, body: '' };
    await until('it is not ready', async () => !(await ready()));
    expect((await ops('/readyz')).body.toString()).toContain('plugin');
    expect((await ops('/healthz')).status).toBe(200);
    delete site.plugin.faults.sync;
    await until('it is ready again', ready);
  });

  it('is not ready without its storage, and does not tell where it is', async () => {
    renameSync(site.storageRoot, `${site.storageRoot}-away`);
    const answer = await ops('/readyz');
    expect(answer.status).toBe(503);
    expect(answer.body.toString()).not.toContain(site.storageRoot);
    renameSync(`${site.storageRoot}-away`, site.storageRoot);
    await until('it is ready again', ready);
  });

  it('S21 counts without naming anybody', async () => {
    const { token, sessionId } = await site.open();
    await site.ask(`/v/${sessionId}/mp4`);
    await site.ask('/v/x/mp4');
    const text = (await ops('/metrics')).body.toString();
    expect(text).toContain('protected_vod_http_requests_total{route="progressive",status="200"} 1');
    expect(text).toContain('protected_vod_introspections_total{result="active"} 1');
    expect(text).toContain('protected_vod_sessions 1');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    for (const secret of [token, sessionId, '127.0.0.0/24']) expect(text).not.toContain(secret);
  });

  it('knows no other address and only reads', async () => {
    expect((await ops('/v/x/mp4')).status).toBe(404);
    expect((await ops('/metrics', 'POST')).status).toBe(405);
  });
});
