import { expect, it } from 'vitest';
import { until } from '../../../support/until';
import { startSite } from '../access/harness';

it('S21 no token, session id, secret, path, query or address is logged over a whole run', async () => {
  const site = await startSite();
  const { token, sessionId } = await site.open();
  const forged = await site.plugin.mint({ claims: { iss: 'x' } });
  for (const target of [
    `/v/${sessionId}/mp4?secret-query=1`,
    `/v/${sessionId}/hls/source-v1/1.m4s`,
    `/v/${sessionId}/${token}`,
    `/v/${forged}/mp4`,
    `/${token}/${sessionId}`,
    `/v/${token}/mp4`,
  ]) {
    await site.ask(target, {
      headers: { referer: `http://h/${token}`, authorization: `Bearer ${token}`, cookie: sessionId },
    });
  }
  await site.ask(`/v/${sessionId}/mp4`, { from: '127.0.1.1', agent: 'secret-agent' });
  await site.plugin.stop();
  site.advance(200);
  await until('the outage is logged', () => site.logLines.some((line) => line.includes('plugin-unavailable')));
  expect((await site.ask(`/v/${sessionId}/mp4`)).status).toBe(503);
  const log = site.logLines.join('');
  const secrets = [
    token,
    forged,
    sessionId,
    site.plugin.keys.credential,
    site.storageRoot,
    'secret-query',
    'secret-agent',
    '127.0.1',
  ];
  for (const secret of secrets) expect(log).not.toContain(secret);
  for (const part of forged.split('.')) expect(log).not.toContain(part);
  const lines = site.logLines.map((line) => JSON.parse(line));
  expect(lines).toContainEqual(
    expect.objectContaining({ route: 'progressive', status: 200, requestId: expect.any(String) }),
  );
  expect(lines).toContainEqual(expect.objectContaining({ status: 403, reason: 'token-invalid', level: 30 }));
  expect(lines).toContainEqual(expect.objectContaining({ session: expect.stringMatching(/^[0-9a-f]{8}$/) }));
  await site.plugin.restart();
  await site.stop();
});
