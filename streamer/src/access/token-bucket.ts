import { LRUCache } from 'lru-cache';
import type { Clock } from './clock';

export interface BucketLimits {
  capacity: number;
  refillPerSecond: number;
  /** Keys remembered at once; the least recently used one starts afresh when it returns. */
  maxKeys: number;
}

export interface Buckets {
  /** Takes one from the bucket of `key`; false when it is empty. */
  take(key: string): boolean;
  /** Undoes one `take`. */
  giveBack(key: string): void;
}

/** Classic token buckets, one per key, in bounded memory. */
export function createBuckets({ capacity, refillPerSecond, maxKeys }: BucketLimits, clock: Clock): Buckets {
  const buckets = new LRUCache<string, { level: number; at: number }>({ max: maxKeys });
  return {
    take(key) {
      const now = clock();
      const bucket = buckets.get(key) ?? { level: capacity, at: now };
      bucket.level = Math.min(capacity, bucket.level + ((now - bucket.at) / 1000) * refillPerSecond);
      bucket.at = now;
      const granted = bucket.level >= 1;
      if (granted) bucket.level -= 1;
      buckets.set(key, bucket);
      return granted;
    },
    giveBack(key) {
      const bucket = buckets.get(key);
      if (bucket !== undefined) bucket.level = Math.min(capacity, bucket.level + 1);
    },
  };
}
