import { ipv6SiteOf } from '../../../contracts';
import type { Origin } from '../../tokens/playback-token';
import type { TokenBuckets } from './token-bucket';

/** Requests a minute; null: no limit. */
export interface RateLimits {
  perUser: number | null;
  /** Of callers that stand for many people and come from their own server. */
  perApiToken: number | null;
  perPrefix: number | null;
}

/** Something that is limited. */
export type LimitedAction = 'mint' | 'redeem' | 'change';

export interface Attempt {
  action: LimitedAction;
  /** On whose behalf. */
  origin: Origin;
  /** The API token that the request carried: it comes from a site's own server, and tells nothing of the viewer's network. */
  apiToken: string | null;
  /** `203.0.113.0/24`, or what stands for an address that cannot be told. */
  addressPrefix: string;
}

export type RateVerdict =
  | { limited: false }
  /** `network`: that has reached its limit; null where it is not that of a network. */
  | { limited: true; by: keyof RateLimits; network: string | null; retryAfterSeconds: number };

/** An IPv6 `/48` has so much of what a prefix has, or the 256 prefixes that one site holds would have as many limits. */
const SITE_SHARE = 2;

/** Who may stand for many people, and has no limit as one person. */
const CROWDS: ReadonlySet<string> = new Set(['public', 'api-token', 'guest-link'] satisfies Origin['kind'][]);

interface Bucket {
  by: keyof RateLimits;
  key: string;
  network?: string;
  share?: number;
}

/** Which buckets an attempt takes from, in order; where one is empty, the later ones are not touched. */
function bucketsOf({ action, origin, apiToken, addressPrefix }: Attempt): Bucket[] {
  const isCrowd = CROWDS.has(origin.kind);
  const own: Bucket[] = [];
  if (origin.kind !== 'public' && !isCrowd) {
    // Apart from what the user asks for: whoever holds some API token could use that up by naming the user.
    const asker = apiToken === null ? '' : ` by token ${apiToken}`;
    own.push({ by: 'perUser', key: `${action} ${origin.kind} ${origin.id}${asker}` });
  }
  // After the user's own: who is over that takes nothing from his neighbours.
  if (apiToken !== null) return [...own, { by: 'perApiToken', key: `${action} token ${apiToken}` }];
  // Visitors whom nobody knows share a bucket of their own: a flood of them shuts no signed-in neighbour out.
  const group = isCrowd ? 'visitors' : 'users';
  const ofNetwork = (network: string, share: number): Bucket => {
    return { by: 'perPrefix', key: `${action} ${group} ${network}`, network, share };
  };
  const ipv6Site = ipv6SiteOf(addressPrefix);
  const sites = ipv6Site === null ? [] : [ofNetwork(ipv6Site, SITE_SHARE)];
  return [...own, ofNetwork(addressPrefix, 1), ...sites];
}

/** Counts an attempt, or tells when the next one is worth making. */
export function judgeRate(buckets: TokenBuckets, attempt: Attempt, limits: RateLimits): RateVerdict {
  for (const { by, key, network = null, share = 1 } of bucketsOf(attempt)) {
    const perMinute = limits[by];
    const retryAfterSeconds = buckets.take(key, perMinute === null ? null : perMinute * share);
    if (retryAfterSeconds !== null) return { limited: true, by, network, retryAfterSeconds };
  }
  return { limited: false };
}
