import { ipv6SiteOf } from '../../../server/contracts';
import type { Clock } from './clock';
import { type Refusal, refuse } from './refusal';
import { createBuckets } from './token-bucket';

/**
 * Signatures checked in vain per address prefix, and those being checked: a lecture hall behind one address may start at
 * once, a flood may not.
 */
const PER_PREFIX = { capacity: 100, refillPerSecond: 20, maxKeys: 20_000 };
/** The same for an IPv6 /48, or the 256 prefixes that one site has would use up what is for all. */
const PER_SITE = { capacity: 200, refillPerSecond: 40, maxKeys: 20_000 };
/** And over all prefixes: at ~0.2 ms each, a tenth of a core at most. */
const OVER_ALL = { capacity: 1000, refillPerSecond: 500, maxKeys: 1 };
const RETRY = { retryAfterSeconds: 1 };

/** How many signatures may be checked (S3). One for all that a streamer checks. */
export interface SignatureBudget {
  /** Null: this one may be checked. */
  take(addressPrefix: string): Refusal | null;
  /** It was a good one. */
  giveBack(addressPrefix: string): void;
}

export function createSignatureBudget(clock: Clock): SignatureBudget {
  const perPrefix = createBuckets(PER_PREFIX, clock);
  const perSite = createBuckets(PER_SITE, clock);
  const overAll = createBuckets(OVER_ALL, clock);
  return {
    take(addressPrefix) {
      const ipv6Site = ipv6SiteOf(addressPrefix);
      if (!perPrefix.take(addressPrefix)) return refuse(429, 'rate-limited', RETRY);
      if (ipv6Site !== null && !perSite.take(ipv6Site)) return refuse(429, 'rate-limited', RETRY);
      // Nothing that this client did.
      return overAll.take('') ? null : refuse(503, 'rate-limited', RETRY);
    },
    giveBack(addressPrefix) {
      perPrefix.giveBack(addressPrefix);
      const ipv6Site = ipv6SiteOf(addressPrefix);
      if (ipv6Site !== null) perSite.giveBack(ipv6Site);
    },
  };
}
