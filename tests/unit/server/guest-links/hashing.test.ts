import { describe, expect, it } from 'vitest';
import { createHashingQueue } from '../../../../server/src/services/guest-links/hashing';

/** Work that ends when it is told to. */
function pendingWork() {
  const endings: (() => void)[] = [];
  let running = 0;
  let most = 0;
  return {
    work: () => {
      running += 1;
      most = Math.max(most, running);
      return new Promise<void>((resolve) => {
        endings.push(() => {
          running -= 1;
          resolve();
        });
      });
    },
    endings,
    most: () => most,
  };
}

describe('S26 hashing of guest passwords', () => {
  it('runs two at a time, keeps sixteen waiting and turns the next away', async () => {
    const queue = createHashingQueue();
    const { work, endings, most } = pendingWork();
    const started = Array.from({ length: 30 }, () => queue.run(work));
    expect(started.filter((hash) => hash === null)).toHaveLength(12);
    const running = started.filter((hash) => hash !== null);
    for (let ended = 0; ended < running.length; ended += 1) {
      await expect.poll(() => endings.length).toBeGreaterThan(ended);
      endings[ended]?.();
    }
    await Promise.all(running);
    expect(most()).toBe(2);
  });

  it('goes on after one that fails, and takes new ones when it is empty again', async () => {
    const queue = createHashingQueue();
    const failing = Array.from({ length: 6 }, () => queue.run(() => Promise.reject(new Error('no memory'))));
    const outcomes = await Promise.allSettled(failing.map((hash) => hash ?? Promise.resolve()));
    expect(outcomes.map(({ status }) => status)).toEqual(Array(6).fill('rejected'));
    expect(await queue.run(async () => 'hashed')).toBe('hashed');
  });
});
