import { describe, expect, it } from 'vitest';
import { judgeHandOver } from '../../../../server/src/services/playback-session/hand-over';

const rules = { binding: 'hand-over', silenceSeconds: 15, maxTakeOvers: 6 } as const;
const bound = { addressPrefix: '203.0.113.0/24', agent: 'aaaaaaaaaaaaaaaa' };
const elsewhere = '198.51.100.0/24';
const judge = (comer: typeof bound, idleMs: number, takeOvers = 0) =>
  judgeHandOver({ bound, comer, idleMs, takeOvers }, rules);

describe('S12 one client at a time', () => {
  it('the same address prefix is the same client, whatever its user agent', () => {
    expect(judge({ ...bound, agent: 'bbbbbbbbbbbbbbbb' }, 0)).toBe('same-client');
  });
  it('the same user agent elsewhere takes over at once', () => {
    expect(judge({ ...bound, addressPrefix: elsewhere }, 0)).toBe('take-over');
  });
  it('a stranger is refused while the bound client is active', () => {
    expect(judge({ addressPrefix: elsewhere, agent: 'bbbbbbbbbbbbbbbb' }, 14_999)).toBe('refuse');
  });
  it('a stranger takes over after the silence', () => {
    expect(judge({ addressPrefix: elsewhere, agent: 'bbbbbbbbbbbbbbbb' }, 15_000)).toBe('take-over');
  });
  it('the take-over after the last permitted one ends the session', () => {
    expect(judge({ ...bound, addressPrefix: elsewhere }, 0, 5)).toBe('take-over');
    expect(judge({ ...bound, addressPrefix: elsewhere }, 0, 6)).toBe('end-session');
  });
});

describe('the client binding of a policy', () => {
  const stranger = { addressPrefix: elsewhere, agent: 'bbbbbbbbbbbbbbbb' };
  const judgeBound = (binding: 'address-prefix' | 'none', comer: typeof bound, takeOvers = 0) =>
    judgeHandOver({ bound, comer, idleMs: 3_600_000, takeOvers }, { ...rules, binding });

  it('address-prefix: nobody elsewhere ever takes over, whatever the user agent and the silence', () => {
    expect(judgeBound('address-prefix', { ...bound, addressPrefix: elsewhere })).toBe('refuse');
    expect(judgeBound('address-prefix', stranger)).toBe('refuse');
    expect(judgeBound('address-prefix', { ...bound, agent: 'bbbbbbbbbbbbbbbb' })).toBe('same-client');
  });
  it('none: everybody is the client, and no take-over is counted', () => {
    expect(judgeBound('none', stranger, 6)).toBe('same-client');
  });
});
