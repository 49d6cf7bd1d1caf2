import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { sessionIdSchema } from '../../contracts';

/**
 * The viewers' responses that are being relayed, by session. Needed because a socket that is not being read, as the
 * streamer's behind a stalled viewer, does not tell that its other end has closed: that viewer is cut off from here (S15).
 */
export interface OpenResponses {
  add(path: string, response: ServerResponse): void;
  /** Destroys the responses of the session with this SHA-256 (lower-case hex). */
  endSession(sessionHash: string): void;
  endAll(): void;
}

/** The path is the one that the streamer is asked for: `/v/{credential}/…`. */
function sessionHashOf(path: string): string | null {
  const credential = sessionIdSchema.safeParse(path.split('/')[2]);
  return credential.success ? createHash('sha256').update(credential.data).digest('hex') : null;
}

export function createOpenResponses(): OpenResponses {
  const sessions = new Map<string | null, Set<ServerResponse>>();

  return {
    add(path, response) {
      const key = sessionHashOf(path);
      const responses = sessions.get(key) ?? new Set();
      sessions.set(key, responses.add(response));
      response.once('close', () => {
        responses.delete(response);
        if (responses.size === 0 && sessions.get(key) === responses) sessions.delete(key);
      });
    },
    endSession(sessionHash) {
      for (const response of sessions.get(sessionHash) ?? []) response.destroy();
    },
    endAll() {
      for (const responses of sessions.values()) for (const response of responses) response.destroy();
    },
  };
}
