import { describe, expect, it } from 'vitest';
import {
  freeSlots,
  judgeSlots,
  keptUnder,
  type SlotHolder,
} from '../../../../server/src/services/playback-session/slot-judgement';

const refuse = { limit: 2, atLimit: 'refuse', slotSilenceSeconds: 60 } as const;
const endOldest = { ...refuse, atLimit: 'end-oldest' } as const;

const watching = (hash: string, startedAt: number, idleMs = 0): SlotHolder => ({
  tokenId: `token of ${hash}`,
  ageMs: 1_000_000,
  session: { hash, state: 'active', startedAt, idleMs },
});
const ended = (hash: string): SlotHolder => ({
  tokenId: `token of ${hash}`,
  ageMs: 0,
  session: { hash, state: 'ended', startedAt: 0, idleMs: 0 },
});
const withoutSession = (ageMs: number): SlotHolder => ({ tokenId: 'unopened', ageMs, session: null });
const ends = (hash: string, endReason: string) => ({ kind: 'session', hash, endReason });

describe('S9 the free slots', () => {
  it.each([
    { taken: [], limit: 3, free: [1, 2, 3] },
    { taken: [2], limit: 3, free: [1, 3] },
    { taken: [1, 2, 3], limit: 3, free: [] },
    // The limit was lowered.
    { taken: [3, 4], limit: 3, free: [1] },
    { taken: [3, 4, 5], limit: 2, free: [] },
  ])('of $limit with $taken taken are $free', ({ taken, limit, free }) => {
    expect(freeSlots(taken, limit)).toEqual(free);
  });
});

describe('S9 where all slots are taken', () => {
  it('who watches keeps the place, and one more is refused', () => {
    expect(judgeSlots([watching('a', 1), watching('b', 2, 59_999)], refuse)).toEqual([]);
  });
  it('the session that has been silent for longest gives way', () => {
    const holders = [watching('a', 1, 60_000), watching('b', 2, 60_001)];
    expect(judgeSlots(holders, refuse)).toEqual([ends('b', 'silent-gave-way')]);
  });
  it('the place of an ended session is taken before anybody’s', () => {
    expect(judgeSlots([watching('a', 1, 60_000), ended('b')], endOldest)).toEqual([
      { kind: 'nobody', tokenId: 'token of b' },
    ]);
  });
  it('a place without a session is being taken, until it has been abandoned', () => {
    expect(judgeSlots([watching('a', 1), withoutSession(10_000)], refuse)).toEqual([]);
    expect(judgeSlots([watching('a', 1), withoutSession(10_001)], refuse)).toEqual([
      { kind: 'nobody', tokenId: 'unopened' },
    ]);
  });
  it('and the newest wins: the session that began first gives way, but a silent one before it', () => {
    expect(judgeSlots([watching('a', 2), watching('b', 1)], endOldest)).toEqual([ends('b', 'oldest-gave-way')]);
    expect(judgeSlots([watching('a', 2, 60_000), watching('b', 1)], endOldest)).toEqual([ends('a', 'silent-gave-way')]);
  });
  it('and the newest wins: a session that is only being opened is not ended', () => {
    expect(judgeSlots([withoutSession(5), withoutSession(5)], endOldest)).toEqual([]);
  });
  it('a limit that was lowered takes as many places as it needs, or ends nobody', () => {
    const three = [watching('a', 1), watching('b', 2, 60_000), watching('c', 3)];
    expect(judgeSlots(three, refuse)).toEqual([]);
    expect(judgeSlots(three, endOldest)).toEqual([ends('b', 'silent-gave-way'), ends('a', 'oldest-gave-way')]);
  });
});

describe('S9 under a limit that was lowered', () => {
  const kept = (holders: SlotHolder[], rules: typeof refuse | typeof endOldest) =>
    [...keptUnder(holders, rules)].map((token) => token.replace('token of ', '')).sort();

  it('who came last gives way', () => {
    expect(kept([watching('a', 3), watching('b', 1), watching('c', 2)], refuse)).toEqual(['b', 'c']);
  });
  it('and the newest wins: who came first does', () => {
    expect(kept([watching('a', 3), watching('b', 1), watching('c', 2)], endOldest)).toEqual(['a', 'c']);
  });
  it('a silent session gives way before one that is watched', () => {
    expect(kept([watching('a', 1, 60_000), watching('b', 2), watching('c', 3)], refuse)).toEqual(['b', 'c']);
    expect(kept([watching('a', 1), watching('b', 2), watching('c', 3, 60_000)], endOldest)).toEqual(['a', 'b']);
  });
  it('nobody’s place keeps nobody out', () => {
    expect(kept([ended('a'), watching('b', 2), watching('c', 3)], refuse)).toEqual(['b', 'c']);
    expect(kept([withoutSession(10_001), watching('b', 2), watching('c', 3)], refuse)).toEqual(['b', 'c']);
  });
  it('who is only opening came last', () => {
    expect(kept([withoutSession(5), watching('b', 2), watching('c', 3)], refuse)).toEqual(['b', 'c']);
    expect(kept([withoutSession(5), watching('b', 2), watching('c', 3)], endOldest)).toEqual(['c', 'unopened']);
  });
  it('all are told the same where two began in the same moment', () => {
    const three = [watching('c', 1), watching('a', 1), watching('b', 1)];
    expect(kept(three, refuse)).toEqual(kept([...three].reverse(), refuse));
  });
});
