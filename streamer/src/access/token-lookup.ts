import { type Client, protocolOf, type Resource } from '../../../server/contracts';
import type { IntrospectionClient } from './introspection-client';
import type { AccessObserver } from './observer';
import type { PlaybackClaims, TokenVerifier } from './playback-token';
import { refuse } from './refusal';
import { isBoundClient, isFromBoundPrefix, type Lookup, type SessionLookup } from './session-lookup';
import { hashCredential } from './session-tag';
import type { KnownToken, Sessions } from './sessions';
import type { SignatureBudget } from './signature-budget';
import type { TrustedKeys } from './trusted-keys';

const RETRY = { retryAfterSeconds: 1 };
/** No session lives so long that a token this old could still lead to one. */
const MAX_EXPIRED_SECONDS = 7 * 24 * 3600;

export interface TokenLookupParts {
  sessions: Sessions;
  lookup: SessionLookup;
  introspection: IntrospectionClient;
  verifier: TokenVerifier;
  keys: Pick<TrustedKeys, 'informed'>;
  observer: AccessObserver;
  signatures: SignatureBudget;
}

export interface TokenRequest {
  token: string;
  client: Client;
  method: 'GET' | 'HEAD';
  resource: Resource | null;
}

/** Finds, or by asking the plugin opens, the session of a well-formed token for exactly this client. */
export type TokenLookup = (request: TokenRequest) => Promise<Lookup>;

function secondsSince(unixSeconds: number): number {
  return Date.now() / 1000 - unixSeconds;
}

/** Unverified claims may refuse a request early; they never permit one. */
function mayAskFor(claims: PlaybackClaims, resource: Resource): boolean {
  const protocol = protocolOf(resource);
  // S14: an RTMP address names its video; the token of another one is not spent on it.
  if (resource.kind === 'rtmp' && resource.video !== claims.vid) return false;
  return protocol === null || claims.pro.includes(protocol);
}

export function createTokenLookup(parts: TokenLookupParts): TokenLookup {
  const { sessions, lookup, introspection, verifier, keys, observer, signatures } = parts;
  const redeeming = new Map<string, Promise<Lookup>>();

  /** S11: no signature, no bucket, no question for the client that holds the session. */
  async function byKnown({ session, expiresAt }: KnownToken, { token, client, method }: TokenRequest): Promise<Lookup> {
    const isExpired = secondsSince(expiresAt) >= 0;
    // An expired token serves the bound client alone, also where any client may have the session.
    if (isExpired ? isFromBoundPrefix(session, client) : isBoundClient(session, client))
      return { kind: 'found', session };
    const mayTakeOver = method === 'GET' && !isExpired;
    return mayTakeOver
      ? lookup.handOver(token, client, session)
      : refuse(403, 'client-mismatch', { sessionHash: session.hash });
  }

  async function redeem(token: string, tokenHash: string, client: Client): Promise<Lookup> {
    const overspent = signatures.take(client.addressPrefix);
    if (overspent !== null) return overspent;
    observer.signatureChecked();
    const check = await verifier.verify(token);
    if (check.kind === 'forged') return refuse(403, 'token-invalid');
    // An expired token is asked about as well: the plugin may know the session it opened, and refuses anything else.
    const found = await lookup.ask(token, client, null);
    if (found.kind === 'found') {
      sessions.rememberToken(tokenHash, found.session, check.claims.exp);
      // Each token does so once: the next time it is known.
      signatures.giveBack(client.addressPrefix);
    }
    return found;
  }

  /** A player that opens several connections at once redeems once (S17). */
  function redeemOnce(token: string, tokenHash: string, client: Client): Promise<Lookup> {
    const key = `${tokenHash} ${client.addressPrefix} ${client.agent}`;
    const running = redeeming.get(key) ?? redeem(token, tokenHash, client).finally(() => redeeming.delete(key));
    redeeming.set(key, running);
    return running;
  }

  return async (request) => {
    const { token, client, method, resource } = request;
    const tokenHash = hashCredential(token);
    const known = sessions.byToken(tokenHash);
    if (known?.session.isLive()) return byKnown(known, request);
    // S11: HEAD never redeems; and nothing is redeemed for an address that names nothing.
    if (method !== 'GET') return refuse(403, 'method-cannot-redeem');
    if (resource === null) return refuse(403, 'resource-unknown');
    const claims = verifier.peek(token);
    // A streamer that has just begun may not know the newest key yet.
    if (claims === null) return keys.informed ? refuse(403, 'token-invalid') : refuse(503, 'plugin-unavailable', RETRY);
    if (!mayAskFor(claims, resource)) return refuse(403, 'protocol-not-permitted');
    if (secondsSince(claims.exp) > MAX_EXPIRED_SECONDS) return refuse(403, 'token-expired');
    if (introspection.remembered(token, client) !== null) return refuse(403, 'session-refused');
    return redeemOnce(token, tokenHash, client);
  };
}
