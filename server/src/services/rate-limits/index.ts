import type { IncomingMessage } from 'node:http';
import type { Core } from '@strapi/strapi';
import { addressPrefixOf } from '../../../contracts';
import { configOf } from '../../config';
import { createClientAddressReader } from '../../proxy';
import type { Origin } from '../../tokens/playback-token';
import { type Attempt, judgeRate, type RateVerdict } from './rate-limit';
import { createTokenBuckets } from './token-bucket';

const WARN_INTERVAL_MS = 60_000;

export interface RateLimitsService {
  /** Of whoever sent this, past forged headers; null: it cannot be told. */
  prefixOf(request: IncomingMessage): string | null;
  /**
   * Counts a request for a token; `apiToken`: id of the one that it carried. The caller's address is read past forged
   * headers, as everywhere (S16).
   */
  mint(request: IncomingMessage, origin: Origin, apiToken: string | null): RateVerdict;
  /** Counts what an API token tells of its subjects. */
  change(apiToken: string): RateVerdict;
  /** Counts a token's first use, by the address prefix that the streamer saw. */
  redeem(origin: Origin, addressPrefix: string): RateVerdict;
  /** Counts a password that is about to be compared; null, or in how many seconds the next one may come (S26). */
  guestPassword(request: IncomingMessage, linkId: string): number | null;
}

/** Limits of this process: so many Strapi nodes, so many times as much. Nothing is stored, nothing outlives a restart. */
export function createRateLimitsService({ strapi }: { strapi: Core.Strapi }): RateLimitsService {
  const buckets = createTokenBuckets();
  const readAddress = createClientAddressReader(configOf(strapi).streamer.trustedProxies);
  let warnedAt = Number.NEGATIVE_INFINITY;

  function prefixOf({ socket, headersDistinct }: IncomingMessage): string | null {
    const forwardedFor = headersDistinct['x-forwarded-for']?.join(',');
    const address = readAddress({ remoteAddress: socket.remoteAddress, forwardedFor });
    return address === null ? null : addressPrefixOf(address);
  }

  /** A limit that a whole site runs into is one that was set wrong, or a reverse proxy that was not named. */
  function warn({ action, addressPrefix }: { action: string; addressPrefix: string }): void {
    if (performance.now() - warnedAt < WARN_INTERVAL_MS) return;
    warnedAt = performance.now();
    strapi.log.warn(
      `protected-vod: rateLimits.${action}.perPrefix is reached by ${addressPrefix}. If that is a reverse proxy, name it in streamer.trustedProxies.`,
    );
  }

  function judge(attempt: Attempt): RateVerdict {
    const { mint, redeem } = configOf(strapi).rateLimits;
    const limits = attempt.action === 'redeem' ? { ...redeem, perApiToken: null } : mint;
    const verdict = judgeRate(buckets, attempt, limits);
    if (verdict.limited && verdict.by === 'perPrefix') warn(attempt);
    return verdict;
  }

  return {
    prefixOf,
    mint: (request, origin, apiToken) =>
      judge({ action: 'mint', origin, apiToken, addressPrefix: prefixOf(request) ?? 'unknown' }),
    change: (apiToken) =>
      judge({ action: 'change', origin: { kind: 'api-token', id: apiToken }, apiToken, addressPrefix: '' }),
    guestPassword(request, linkId) {
      const { perPrefix, perLink } = configOf(strapi).rateLimits.guestPassword;
      const addressPrefix = prefixOf(request) ?? 'unknown';
      const tooMany = buckets.take(`guest-password prefix ${addressPrefix}`, perPrefix);
      // Who is over that takes nothing from the other guests of the link.
      if (tooMany === null) return buckets.take(`guest-password link ${linkId}`, perLink);
      warn({ action: 'guestPassword', addressPrefix });
      return tooMany;
    },
    redeem: (origin, addressPrefix) => judge({ action: 'redeem', origin, apiToken: null, addressPrefix }),
  };
}
