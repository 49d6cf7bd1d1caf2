import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { VodError } from '../errors';
import { checkAddress, checkedLookup, type Reach } from './permitted-address';

const TIMEOUT_MS = 10_000;
/** Shorter than servers keep idle connections: what they have closed is not used again. */
const IDLE_MS = 2_000;
/** What is read of an answer, and thrown away, so that its connection can be used again. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface PostRequest {
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
}

export interface Poster {
  /** The status that was answered; a redirect is one like any other. Rejects with an Error that has a `code`. */
  post(request: PostRequest): Promise<number>;
  close(): void;
}

/** The address that is written instead of a name; null: a name. */
export function literalAddress({ hostname }: URL): string | null {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return isIP(bare) === 0 ? null : bare;
}

/** Sends to one address; its connection is kept a moment for what follows. */
export function createPoster(url: URL, reach: Reach): Poster {
  const { Agent, request } = reach.isEncrypted ? https : http;
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS });
  const literal = literalAddress(url);

  function send({ headers, body, signal }: PostRequest): Promise<number> {
    return new Promise((resolve, reject) => {
      let status: number | null = null;
      const outgoing = request(url, { method: 'POST', agent, headers, signal, lookup: checkedLookup(reach) });
      outgoing.once('response', (answer) => {
        let bytes = 0;
        status = answer.statusCode ?? 0;
        answer.on('data', (data: Buffer) => {
          bytes += data.length;
          if (bytes > MAX_ANSWER_BYTES) answer.destroy();
        });
        answer.on('error', () => undefined);
      });
      const none = new VodError('no-answer', 'There was no answer in time.');
      const timer = setTimeout(() => outgoing.destroy(none), TIMEOUT_MS);
      // The status counts, however the rest went.
      const settle = (failure: Error) => (status === null ? reject(failure) : resolve(status));
      outgoing.on('error', settle);
      // Without an error too: an answer that switches protocols is neither of both.
      outgoing.once('close', () => {
        clearTimeout(timer);
        settle(none);
      });
      outgoing.end(body);
    });
  }

  return {
    async post({ headers, body, signal }) {
      if (literal !== null) checkAddress(literal, reach);
      const size = String(Buffer.byteLength(body));
      const all = { ...headers, 'content-type': 'application/json', 'content-length': size };
      return send({ headers: all, body, signal });
    },
    close: () => agent.destroy(),
  };
}
