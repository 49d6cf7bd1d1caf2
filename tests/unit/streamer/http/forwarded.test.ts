import { describe, expect, it } from 'vitest';
import { startSite } from '../access/harness';

const PROOF = 'edge-proof-edge-proof-edge-proof-edge';

describe('S16 forwarding headers on the wire', () => {
  it('make no other client of a stranger', async () => {
    const site = await startSite();
    const { sessionId } = await site.open();
    const headers = {
      'x-forwarded-for': '203.0.113.7',
      'x-protected-vod-client': '203.0.113.7',
      'x-protected-vod-edge': PROOF,
    };
    expect((await site.ask(`/v/${sessionId}/mp4`, { headers })).status).toBe(200);
    expect(site.plugin.introspections).toHaveLength(1);
    await site.stop();
  });

  it('are believed from Strapi’s proxy by its proof, and from a trusted proxy by its address', async () => {
    const site = await startSite({
      settings: { trustedProxies: ['127.0.1.0/24'] },
      overrides: { hosts: { edgeProofs: () => [PROOF] } },
    });
    const edge = (address: string) => ({ 'x-protected-vod-client': address, 'x-protected-vod-edge': PROOF });
    const token = await site.plugin.mint();
    await site.ask(`/v/${token}/mp4`, { headers: edge('203.0.113.7') });
    expect(site.plugin.introspections[0]?.client.addressPrefix).toBe('203.0.113.0/24');
    const path = `/v/${site.plugin.sessionOf(token)}/mp4`;
    expect((await site.ask(path, { headers: edge('203.0.113.99') })).status).toBe(200);
    expect(
      (await site.ask(path, { from: '127.0.1.9', headers: { 'x-forwarded-for': '6.6.6.6, 203.0.113.8' } })).status,
    ).toBe(200);
    expect((await site.ask(path, { agent: 'other', headers: edge('198.51.100.1') })).status).toBe(403);
    expect((await site.ask(path, { agent: 'other', headers: edge('nonsense') })).status).toBe(403);
    await site.stop();
  });
});
