import { describe, expect, it } from 'vitest';
import { createTokenBuckets } from '../../../../server/src/services/rate-limits/token-bucket';

function bucketsAt() {
  let now = 0;
  const buckets = createTokenBuckets(() => now);
  const takeMany = (count: number, key = 'a', perMinute: number | null = 60) =>
    Array.from({ length: count }, () => buckets.take(key, perMinute)).filter((wait) => wait === null).length;
  return {
    take: buckets.take,
    takeMany,
    pass(seconds: number) {
      now += seconds * 1000;
    },
  };
}

describe('token buckets', () => {
  it('grant the limit of a minute at once, then no more', () => {
    const { takeMany } = bucketsAt();
    expect(takeMany(200)).toBe(60);
  });

  it('refill at the pace of the limit, and never above it', () => {
    const { takeMany, pass } = bucketsAt();
    takeMany(60);
    pass(10);
    expect(takeMany(200)).toBe(10);
    pass(3600);
    expect(takeMany(200)).toBe(60);
  });

  it('tell in how many seconds one more is granted, and keep the word', () => {
    const { take, takeMany, pass } = bucketsAt();
    takeMany(3, 'slow', 3);
    expect(take('slow', 3)).toBe(20);
    pass(19.5);
    expect(take('slow', 3)).toBe(1);
    pass(1);
    expect(take('slow', 3)).toBeNull();
  });

  it('are one a key', () => {
    const { takeMany } = bucketsAt();
    expect([takeMany(100, 'a'), takeMany(100, 'b')]).toEqual([60, 60]);
  });

  it('a refusal costs nothing: who asks on and on is granted as much as who waits', () => {
    const { takeMany, pass } = bucketsAt();
    takeMany(60);
    let granted = 0;
    for (let quarter = 0; quarter < 40; quarter += 1) {
      granted += takeMany(5);
      pass(0.25);
    }
    expect(granted + takeMany(5)).toBe(10);
  });

  it('without a limit there is none', () => {
    const { takeMany } = bucketsAt();
    expect(takeMany(10_000, 'a', null)).toBe(10_000);
  });
});
