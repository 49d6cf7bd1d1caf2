import { LRUCache } from 'lru-cache';

const MAX_KEYS = 50_000;

export interface TokenBuckets {
  /**
   * Takes one from the bucket of `key`: null, or in how many whole seconds there is one again. A null limit is none.
   */
  take(key: string, perMinute: number | null): number | null;
}

/**
 * A bucket a key, as large as the limit of one minute and refilled at that pace, in bounded memory: the one that was asked for
 * least recently starts afresh. `clock`: monotonic milliseconds.
 */
export function createTokenBuckets(clock: () => number = () => performance.now()): TokenBuckets {
  const buckets = new LRUCache<string, { level: number; at: number }>({ max: MAX_KEYS });
  return {
    take(key, perMinute) {
      if (perMinute === null) return null;
      const now = clock();
      const perSecond = perMinute / 60;
      const known = buckets.get(key) ?? { level: perMinute, at: now };
      const level = Math.min(perMinute, known.level + ((now - known.at) / 1000) * perSecond);
      const isGranted = level >= 1;
      buckets.set(key, { level: isGranted ? level - 1 : level, at: now });
      return isGranted ? null : Math.ceil((1 - level) / perSecond);
    },
  };
}
