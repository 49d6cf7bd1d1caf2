import { describe, expect, it } from 'vitest';
import { judgeHandOver } from '../../../../server/src/services/playback-session/hand-over';

const rules = { silenceSeconds: 15, maxTakeOvers: 6 };
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
