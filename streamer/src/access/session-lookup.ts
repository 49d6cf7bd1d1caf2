import type { Client } from '../../../server/contracts';
import type { Clock } from './clock';
import type { HeldSession } from './held-session';
import type { Introspection, IntrospectionClient } from './introspection-client';
import { type Refusal, refuse } from './refusal';
import { hashCredential } from './session-tag';
import type { Sessions } from './sessions';
import { createBuckets } from './token-bucket';
import type { TrustedKeys } from './trusted-keys';

const RETRY_SECONDS = 2;
/** The first sync is under way. */
const SOON = { retryAfterSeconds: 1 };
/** Attempts by another client to take a session over, per session. */
const HAND_OVERS = { capacity: 2, refillPerSecond: 1, maxKeys: 50_000 };

export type Lookup = { kind: 'found'; session: HeldSession } | Refusal;

export interface SessionLookupParts {
  sessions: Sessions;
  introspection: IntrospectionClient;
  keys: Pick<TrustedKeys, 'hasTag' | 'informed'>;
  clock: Clock;
}

export interface SessionLookup {
  /** The live session that has this very id and belongs to this client, if it is held here. Nothing is asked or computed. */
  held(credential: string, client: Client): HeldSession | null;
  /** Finds the live session of a well-formed session id for exactly this client; asks the plugin if need be. */
  bySessionId(sessionId: string, client: Client): Promise<Lookup>;
  /** Asks the plugin about `credential` and takes the answer in. `held`: what is known of its session, if anything. */
  ask(credential: string, client: Client, held: HeldSession | null): Promise<Lookup>;
  /** Another client wants a session that lives: the plugin decides, not more than about once a second (S12). */
  handOver(credential: string, client: Client, session: HeldSession): Promise<Lookup>;
}

/** DESIGN §5.3: one network is one client, whatever its user agents. A session may be bound to none. */
export function isBoundClient(session: HeldSession, client: Client): boolean {
  return session.grant.anyClient === true || isFromBoundPrefix(session, client);
}

export function isFromBoundPrefix(session: HeldSession, client: Client): boolean {
  return session.grant.client.addressPrefix === client.addressPrefix;
}

/**
 * From a credential to a session that lives and is bound to the asking client. Nothing found here has been checked against
 * the requested resource yet; that is for the gate.
 */
export function createSessionLookup({ sessions, introspection, keys, clock }: SessionLookupParts): SessionLookup {
  const handOvers = createBuckets(HAND_OVERS, clock);

  function explain(answer: Exclude<Introspection, { kind: 'active' }>, held: HeldSession | null): Refusal {
    switch (answer.kind) {
      case 'refused':
        return refuse(403, held === null ? 'session-refused' : 'client-mismatch');
      case 'pending':
        return refuse(503, 'hand-over-pending', { retryAfterSeconds: 1 });
      case 'limited': {
        const { retryAfterSeconds } = answer;
        if (retryAfterSeconds !== undefined) return refuse(429, 'rate-limited', { retryAfterSeconds });
        return refuse(503, 'rate-limited', { retryAfterSeconds: RETRY_SECONDS });
      }
      case 'unavailable':
        return refuse(503, 'plugin-unavailable', { retryAfterSeconds: RETRY_SECONDS });
      case 'broken':
        return refuse(503, 'plugin-broken', { retryAfterSeconds: RETRY_SECONDS });
    }
  }

  async function ask(credential: string, client: Client, held: HeldSession | null): Promise<Lookup> {
    const answer = await introspection.ask({ credential, client, idleMs: held?.idleMs() ?? null });
    if (answer.kind !== 'active') {
      // A session id that can never be good again has ended; a token may be spent while its session lives.
      if (answer.kind === 'refused' && answer.final && held?.id === credential) sessions.end(held.hash);
      return explain(answer, held);
    }
    if (!keys.hasTag(answer.sessionId)) return explain({ kind: 'broken' }, held);
    const session = sessions.hold(answer.sessionId, answer.grant, answer.sentAt);
    if (session === null || !session.isLive()) return refuse(403, 'session-ended');
    if (!isBoundClient(session, client)) return refuse(403, 'client-mismatch', { sessionHash: session.hash });
    return { kind: 'found', session };
  }

  async function handOver(credential: string, client: Client, session: HeldSession): Promise<Lookup> {
    const more = { sessionHash: session.hash };
    if (session.inOutage) return refuse(503, 'plugin-unavailable', { ...more, retryAfterSeconds: RETRY_SECONDS });
    const remembered = introspection.remembered(credential, client) !== null;
    if (remembered || !handOvers.take(session.hash)) return refuse(403, 'client-mismatch', more);
    return ask(credential, client, session);
  }

  function held(credential: string, client: Client): HeldSession | null {
    const session = sessions.byId(credential);
    return session?.isLive() && isBoundClient(session, client) ? session : null;
  }

  async function bySessionId(sessionId: string, client: Client): Promise<Lookup> {
    if (!keys.hasTag(sessionId)) {
      return keys.informed ? refuse(403, 'session-tag-invalid') : refuse(503, 'plugin-unavailable', SOON);
    }
    const hash = hashCredential(sessionId);
    if (sessions.isEnded(hash)) return refuse(403, 'session-ended', { sessionHash: hash });
    const session = sessions.get(hash);
    if (session === undefined || !session.isLive()) return ask(sessionId, client, session ?? null);
    if (isBoundClient(session, client)) return { kind: 'found', session };
    return handOver(sessionId, client, session);
  }

  return { held, bySessionId, ask, handOver };
}
