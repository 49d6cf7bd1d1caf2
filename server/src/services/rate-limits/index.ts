import type { IncomingMessage } from 'node:http';
import type { Core } from '@strapi/strapi';
import { addressPrefixOf } from '../../../contracts';
import { configOf } from '../../config';
import { createClientAddressReader } from '../../proxy';
import type { Origin } from '../../tokens/playback-token';
import { type Comparison, createGuessLimit } from './guess-limit';
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
  /** For a password that is shown at a guest link (S26). */
  guestPassword(request: IncomingMessage, linkId: string): GuestPasswordLimit;
}

export interface GuestPasswordLimit {
  /** In how many seconds one may be compared; null: now. Counts nothing. */
  lockedForSeconds(): number | null;
  /** Compares where that is permitted, and counts what is wrong. */
  compare(isRight: () => Promise<boolean>): Promise<Comparison>;
}

/** Limits of this process: so many Strapi nodes, so many times as much. Nothing is stored, nothing outlives a restart. */
export function createRateLimitsService({ strapi }: { strapi: Core.Strapi }): RateLimitsService {
  const buckets = createTokenBuckets();
  const guesses = createGuessLimit(configOf(strapi).rateLimits.guestPassword);
  const readAddress = createClientAddressReader(configOf(strapi).streamer.trustedProxies);
  let warnedAt = Number.NEGATIVE_INFINITY;

  function prefixOf({ socket, headersDistinct }: IncomingMessage): string | null {
    const forwardedFor = headersDistinct['x-forwarded-for']?.join(',');
    const address = readAddress({ remoteAddress: socket.remoteAddress, forwardedFor });
    return address === null ? null : addressPrefixOf(address);
  }

  /** A limit that a whole site runs into is one that was set wrong, or a reverse proxy that was not named. */
  function warn(action: string, network: string): void {
    if (performance.now() - warnedAt < WARN_INTERVAL_MS) return;
    warnedAt = performance.now();
    strapi.log.warn(
      `protected-vod: rateLimits.${action}.perPrefix is reached by ${network}. If that is a reverse proxy, name it in streamer.trustedProxies.`,
    );
  }

  function judge(attempt: Attempt): RateVerdict {
    const { mint, redeem } = configOf(strapi).rateLimits;
    const limits = attempt.action === 'redeem' ? { ...redeem, perApiToken: null } : mint;
    const verdict = judgeRate(buckets, attempt, limits);
    if (verdict.limited && verdict.network !== null) warn(attempt.action, verdict.network);
    return verdict;
  }

  return {
    prefixOf,
    mint: (request, origin, apiToken) =>
      judge({ action: 'mint', origin, apiToken, addressPrefix: prefixOf(request) ?? 'unknown' }),
    change: (apiToken) =>
      judge({ action: 'change', origin: { kind: 'api-token', id: apiToken }, apiToken, addressPrefix: '' }),
    guestPassword(request, link) {
      const guesser = { link, addressPrefix: prefixOf(request) ?? 'unknown' };
      return {
        lockedForSeconds() {
          const lock = guesses.lockOf(guesser);
          if (lock !== null && lock.network !== null) warn('guestPassword', lock.network);
          return lock?.retryAfterSeconds ?? null;
        },
        compare: (isRight) => guesses.compare(guesser, isRight),
      };
    },
    redeem: (origin, addressPrefix) => judge({ action: 'redeem', origin, apiToken: null, addressPrefix }),
  };
}
