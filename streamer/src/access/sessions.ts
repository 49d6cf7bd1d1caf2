import { LRUCache } from 'lru-cache';
import type { Grant } from '../../../server/contracts';
import type { Clock } from './clock';
import { HeldSession } from './held-session';
import type { AccessObserver } from './observer';
import { hashCredential } from './session-tag';

const MAX_TOKENS = 50_000;
const MAX_ENDED = 50_000;
/** Usage that cannot be reported for this long after the lease is given up. */
const GIVE_UP_AFTER_MS = 600_000;

export interface KnownToken {
  session: HeldSession;
  /** Unix seconds, as the token says it. */
  expiresAt: number;
}

export interface Sessions {
  /** Undefined: not held here. What is returned may have lapsed; see `HeldSession.isLive`. */
  get(hash: string): HeldSession | undefined;
  /**
   * The same by the id itself, as the plugin gave it: who shows one that is found here needs no proof of its tag any more.
   * An id is kept no longer than its session.
   */
  byId(id: string): HeldSession | undefined;
  /** Terminal: an ended session is never revived in this process. */
  isEnded(hash: string): boolean;
  /** Takes a grant of the plugin in. Null: the session has ended. A stale grant changes nothing. */
  hold(id: string, grant: Grant, sentAt: number): HeldSession | null;
  rememberToken(tokenHash: string, session: HeldSession, expiresAt: number): void;
  byToken(tokenHash: string): KnownToken | undefined;
  /** Ends the session and destroys its open responses at once, also those blocked by a slow reader (S15). */
  end(hash: string): void;
  /** Stops what has no lease any more and forgets who has been silent. */
  sweep(): void;
  all(): HeldSession[];
  readonly size: number;
}

/**
 * Sessions by the hash of their id. Bounded: only the plugin's word lets one in, and silence lets it out. `onEnd` is told
 * the hash of each that the plugin has ended.
 */
export function createSessions(
  observer: AccessObserver,
  clock: Clock,
  onEnd: (hash: string) => void = () => undefined,
): Sessions {
  const held = new Map<string, HeldSession>();
  const heldById = new Map<string, HeldSession>();
  const ended = new LRUCache<string, true>({ max: MAX_ENDED });
  const tokens = new LRUCache<string, { sessionHash: string; expiresAt: number }>({ max: MAX_TOKENS });

  function forget(session: HeldSession): void {
    held.delete(session.hash);
    heldById.delete(session.id);
    for (const tokenHash of session.tokenHashes) tokens.delete(tokenHash);
  }

  function end(hash: string): void {
    ended.set(hash, true);
    const session = held.get(hash);
    if (session === undefined) return;
    forget(session);
    session.end();
    observer.sessionEnded();
    onEnd(hash);
  }

  function hold(id: string, grant: Grant, sentAt: number): HeldSession | null {
    const hash = hashCredential(id);
    if (ended.has(hash)) return null;
    const known = held.get(hash);
    if (known !== undefined) {
      known.accept(grant, sentAt);
      return known;
    }
    const session = new HeldSession({ id, hash }, grant, sentAt, clock);
    held.set(hash, session);
    heldById.set(id, session);
    return session;
  }

  /** The plugin lets silent sessions lapse. Until then this streamer answers for them: others wait for its word (S12). */
  function isForgettable(session: HeldSession): boolean {
    if (session.openResponses > 0) return false;
    if (session.idleMs() > GIVE_UP_AFTER_MS) return true;
    return !session.hasUnreported() && session.hasLapsed();
  }

  function sweep(): void {
    for (const session of held.values()) {
      if (!session.isLive()) session.destroyResponses();
      if (isForgettable(session)) forget(session);
    }
  }

  return {
    get: (hash) => held.get(hash),
    byId: (id) => heldById.get(id),
    isEnded: (hash) => ended.has(hash),
    hold,
    rememberToken(tokenHash, session, expiresAt) {
      session.tokenHashes.add(tokenHash);
      tokens.set(tokenHash, { sessionHash: session.hash, expiresAt });
    },
    byToken(tokenHash) {
      const entry = tokens.get(tokenHash);
      const session = entry && held.get(entry.sessionHash);
      return entry && session && { session, expiresAt: entry.expiresAt };
    },
    end,
    sweep,
    all: () => [...held.values()],
    get size() {
      return held.size;
    },
  };
}
