import { generateKeyPairSync } from 'node:crypto';
import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { makeSessionId } from '../../../support/stand-in-plugin';
import { startSite } from './harness';

const FLOOD = 10_000;
const PARALLEL = 50;

describe('S3 ten thousand forgeries', () => {
  it('cost no introspection and hardly a signature check, and running playback goes on', async () => {
    const site = await startSite();
    const { sessionId, token } = await site.open();
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const template = await site.plugin.mint({ key: stranger });
    const [head, body, signature = ''] = template.split('.');
    const forge = (at: number): string => {
      const kind = at % 3;
      if (kind === 0) return makeSessionId('A'.repeat(43));
      const varied = at.toString(36).padStart(6, 'A').slice(-6);
      return kind === 1 ? `${head}.${body}.${varied}${signature.slice(6)}` : `x${varied}.${varied}.${varied}`;
    };
    const pool = new http.Agent({ keepAlive: true, maxSockets: PARALLEL });
    const statuses = new Map<number, number>();
    const strike = (at: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const sent = http.get(
          { host: '127.0.0.1', port: site.port, path: `/v/${forge(at)}/mp4`, agent: pool },
          (response) => {
            const status = response.statusCode ?? 0;
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            response.resume().on('end', resolve);
          },
        );
        sent.on('error', reject);
      });
    let next = 0;
    const played: number[] = [];
    const worker = async (): Promise<void> => {
      while (next < FLOOD) {
        next += 1;
        const mine = next;
        await strike(mine);
        if (mine % 100 === 0) played.push((await site.ask(`/v/${mine % 200 ? token : sessionId}/mp4`)).status);
      }
    };
    const startedAt = performance.now();
    const syncsBefore = site.plugin.syncs.length;
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    const seconds = (performance.now() - startedAt) / 1000;

    expect([...statuses.keys()].toSorted()).toEqual([403, 429]);
    // One in three is well formed and names a key of ours: of those, as many as the bucket holds are looked at.
    expect(statuses.get(429)).toBeGreaterThan(FLOOD / 3 - 101 - 20 * seconds - 1);
    expect(new Set(played)).toEqual(new Set([200, 302]));
    expect(site.plugin.introspections).toHaveLength(1);
    // The bucket of one prefix: a hundred at once and twenty a second, and the one of the real token.
    expect(await site.metric('protected_vod_signature_checks_total')).toBeLessThanOrEqual(101 + 20 * seconds + 1);
    expect(site.plugin.syncs.length).toBeGreaterThan(syncsBefore);
    pool.destroy();
    await site.stop();
  }, 60_000);
});
