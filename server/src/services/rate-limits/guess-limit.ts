import { LRUCache } from 'lru-cache';
import { ipv6SiteOf } from '../../../contracts';

/** For how long a wrong password counts. */
const WINDOW_MS = 15 * 60_000;
/** For how long it is known where one came from. */
const KNOWN_MS = 24 * 3_600_000;
/** More than can be compared in a window at two hashes at one time: nobody makes us forget by guessing on. */
const MAX_KEYS = 100_000;

/** Wrong passwords within fifteen minutes; null: no limit. */
export interface GuessLimits {
  /** From one address prefix at one link, and from one IPv6 `/48`. */
  perPrefix: number | null;
  /** At one link from everywhere; keeps those out who tried one before. */
  perLink: number | null;
}

export interface Guesser {
  /** `documentId` of the link. */
  link: string;
  addressPrefix: string;
}

/** Which limit is reached, and from which network where it is that of one. */
export interface GuessLock {
  by: keyof GuessLimits;
  network: string | null;
  retryAfterSeconds: number;
}

export type Comparison = { outcome: 'right' } | { outcome: 'wrong' } | ({ outcome: 'locked' } & GuessLock);

export interface GuessLimit {
  /** Null: a password may be compared now. Counts nothing. */
  lockOf(guesser: Guesser): GuessLock | null;
  /** Compares unless that is locked, and counts only what was wrong. Throws what `isRight` throws, which costs nothing. */
  compare(guesser: Guesser, isRight: () => Promise<boolean>): Promise<Comparison>;
}

/**
 * Wrong passwords are limited (features T11), right ones are not. Who has not tried a wrong one lately is let in with the
 * right one whatever others do: the limit of the link is for those who have. `clock`: monotonic milliseconds.
 */
export function createGuessLimit(limits: GuessLimits, clock: () => number = () => performance.now()): GuessLimit {
  /** When the last wrong ones came, the latest last; as many as are needed to judge. */
  const wrong = new LRUCache<string, number[]>({
    max: MAX_KEYS,
    ttl: KNOWN_MS,
    ttlResolution: 0,
    perf: { now: clock },
  });
  /** How many are being compared. */
  const running = new Map<string, number>();

  const networksOf = ({ addressPrefix }: Guesser): string[] => {
    const ipv6Site = ipv6SiteOf(addressPrefix);
    return ipv6Site === null ? [addressPrefix] : [addressPrefix, ipv6Site];
  };
  const keyOf = ({ link }: Guesser, network: string) => `${link} ${network}`;

  /** Seconds until one more may be compared; null: none. */
  function waitFor(key: string, limit: number | null): number | null {
    if (limit === null) return null;
    const since = clock() - WINDOW_MS;
    const recent = (wrong.get(key) ?? []).filter((at) => at > since);
    const [first] = recent.slice(-limit);
    if (first !== undefined && recent.length >= limit) return Math.ceil((first - since) / 1000);
    // All that are being compared may turn out wrong.
    return recent.length + (running.get(key) ?? 0) >= limit ? 1 : null;
  }

  function lockOf(guesser: Guesser): GuessLock | null {
    const networks = networksOf(guesser);
    for (const network of networks) {
      const retryAfterSeconds = waitFor(keyOf(guesser, network), limits.perPrefix);
      if (retryAfterSeconds !== null) return { by: 'perPrefix', network, retryAfterSeconds };
    }
    if (!networks.some((network) => wrong.has(keyOf(guesser, network)))) return null;
    const retryAfterSeconds = waitFor(guesser.link, limits.perLink);
    return retryAfterSeconds === null ? null : { by: 'perLink', network: null, retryAfterSeconds };
  }

  function note(key: string, limit: number | null): void {
    wrong.set(key, [...(wrong.get(key) ?? []), clock()].slice(-(limit ?? 1)));
  }

  function run(keys: readonly string[], change: 1 | -1): void {
    for (const key of keys) {
      const count = (running.get(key) ?? 0) + change;
      if (count > 0) running.set(key, count);
      else running.delete(key);
    }
  }

  return {
    lockOf,
    async compare(guesser, isRight) {
      const lock = lockOf(guesser);
      if (lock) return { outcome: 'locked', ...lock };
      const own = networksOf(guesser).map((network) => keyOf(guesser, network));
      const keys = [...own, guesser.link];
      run(keys, 1);
      try {
        if (await isRight()) return { outcome: 'right' };
        for (const key of own) note(key, limits.perPrefix);
        note(guesser.link, limits.perLink);
        return { outcome: 'wrong' };
      } finally {
        run(keys, -1);
      }
    },
  };
}
