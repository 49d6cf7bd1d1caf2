import { beforeEach, describe, expect, it } from 'vitest';
import { RefusalLimit } from '../../../../server/src/services/events/refusal-limit';

let now: number;
let limit: RefusalLimit;

beforeEach(() => {
  now = 1_000;
  limit = new RefusalLimit(() => now);
});

describe('S26 a flood of refusals', () => {
  it('is told 60 times, then by number, a minute after the first that was counted', () => {
    const admitted = Array.from({ length: 1000 }, () => limit.admits());
    expect(admitted.filter(Boolean)).toHaveLength(60);
    expect(limit.takeDue()).toBe(0);
    now += 60_000;
    expect(limit.takeDue()).toBe(940);
    expect(limit.takeDue()).toBe(0);
  });

  it('that is over leaves nothing behind', () => {
    for (let at = 0; at < 1000; at += 1) limit.admits();
    limit.take();
    now += 60_000;
    expect(Array.from({ length: 60 }, () => limit.admits())).toEqual(Array(60).fill(true));
    expect(limit.take()).toBe(0);
  });
});
