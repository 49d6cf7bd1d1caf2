import { createHash } from 'node:crypto';
import { playbackTokenSchema, sessionIdSchema } from '../../contracts';

/** A viewer's response, or the socket of one who speaks WebSocket. */
export interface Relayed {
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/**
 * What is being relayed to viewers, by session. Needed because a socket that is not being read, as the streamer's behind
 * a stalled viewer, does not tell that its other end has closed: that viewer is cut off from here (S15).
 */
export interface OpenResponses {
  add(path: string, relayed: Relayed): void;
  /** Destroys what belongs to the session with this SHA-256 (lower-case hex). */
  endSession(sessionHash: string): void;
  /** Destroys what was opened with the token of this id and never moved on to the session's own address. */
  endToken(tokenId: string): void;
  /** Whether there is anything of that kind. */
  readonly hasTokens: boolean;
  /** Destroys what is being relayed now; what begins later is spared. */
  endAll(afterMs?: number): void;
}

/** `jti` of a token, unverified: it only names what the streamer has let in. */
function tokenIdOf(token: string): string | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && 'jti' in claims ? String(claims.jti) : null;
  } catch {
    return null;
  }
}

const TOKEN = 'token:';

/** The path is the one that the streamer is asked for: `/v/{credential}/…`. */
function keyOf(path: string): string | null {
  const credential = path.split('/')[2];
  const session = sessionIdSchema.safeParse(credential);
  if (session.success) return createHash('sha256').update(session.data).digest('hex');
  const token = playbackTokenSchema.safeParse(credential);
  const tokenId = token.success ? tokenIdOf(token.data) : null;
  return tokenId === null ? null : TOKEN + tokenId;
}

export function createOpenResponses(): OpenResponses {
  const relays = new Map<string | null, Set<Relayed>>();
  const end = (key: string): void => {
    for (const relayed of relays.get(key) ?? []) relayed.destroy();
  };

  return {
    add(path, relayed) {
      const key = keyOf(path);
      const known = relays.get(key) ?? new Set();
      relays.set(key, known.add(relayed));
      relayed.once('close', () => {
        known.delete(relayed);
        if (known.size === 0 && relays.get(key) === known) relays.delete(key);
      });
    },
    endSession: end,
    endToken: (tokenId) => end(TOKEN + tokenId),
    get hasTokens() {
      return [...relays.keys()].some((key) => key?.startsWith(TOKEN) === true);
    },
    endAll(afterMs = 0) {
      const present = [...relays.values()].flatMap((known) => [...known]);
      const endPresent = () => {
        for (const relayed of present) relayed.destroy();
      };
      if (afterMs === 0) endPresent();
      else setTimeout(endPresent, afterMs).unref();
    },
  };
}
