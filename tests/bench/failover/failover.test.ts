import { describe, expect, it } from 'vitest';
import { describeChaos, runChaos } from './chaos';

/** What a site that is being killed piece by piece may still cost: `npm run bench:failover`. */
describe('two Strapi and three streamers behind nginx, killed one after another for three minutes', () => {
  it('200 viewers lose at most 5 s beyond their buffers, nobody else gets in, and nothing that ended comes back', async () => {
    const figures = await runChaos({ viewerCount: 200, endedCount: 10, seconds: 180 });
    console.log(describeChaos(figures));
    expect(figures.kills.length).toBeGreaterThanOrEqual(10);
    expect(figures.lost).toBe(0);
    expect(figures.worstStallSeconds).toBeLessThanOrEqual(5);
    expect(figures.breaches).toBe(0);
    expect(figures.takeOvers).toBe(0);
    expect(figures.revived).toBe(0);
    expect(figures.worstAfterEndSeconds).toBeLessThanOrEqual(5);
  });
});
