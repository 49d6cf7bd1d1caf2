import http from 'node:http';
import https from 'node:https';

const TIMEOUT_MS = 10_000;
/** Enough to tell what it is. */
const TASTE_BYTES = 4100;
const MAX_REDIRECTS = 3;
/** At one time; a doctor must not be a burden. */
const MAX_SOCKETS = 8;

export interface Answer {
  status: number;
  type: string;
  /** The first bytes. */
  body: Buffer;
}

export interface Requester {
  /** Asks without any credential, for the path as it is written. Rejects if nothing answers. */
  ask(origin: string, path: string): Promise<Answer>;
  readonly count: number;
  close(): void;
}

interface Sent extends Answer {
  location: string | undefined;
}

/** Opens connections of its own, and sends a path that `fetch` would have tidied up first. */
export function createRequester(): Requester {
  const agents = {
    'http:': new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    'https:': new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  };
  let count = 0;

  function send(origin: string, path: string): Promise<Sent> {
    const { protocol, hostname, port } = new URL(origin);
    const isTls = protocol === 'https:';
    const options = {
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      path,
      agent: agents[isTls ? 'https:' : 'http:'],
    };
    count += 1;
    return new Promise((resolve, reject) => {
      const request = (isTls ? https : http).get(options, (response) => {
        const pieces: Buffer[] = [];
        let size = 0;
        const finish = () => {
          const { statusCode: status = 0, headers } = response;
          const body = Buffer.concat(pieces).subarray(0, TASTE_BYTES);
          resolve({ status, type: headers['content-type'] ?? '', location: headers.location, body });
        };
        response.on('data', (piece: Buffer) => {
          pieces.push(piece);
          size += piece.length;
          if (size < TASTE_BYTES) return;
          finish();
          response.destroy();
        });
        for (const event of ['end', 'error', 'close']) response.once(event, finish);
      });
      request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error('no answer in time')));
      request.once('error', reject);
    });
  }

  return {
    async ask(origin, path) {
      let answer = await send(origin, path);
      for (let hop = 0; hop < MAX_REDIRECTS && answer.location !== undefined && answer.status >= 300; hop += 1) {
        if (!URL.canParse(answer.location, origin + path)) break;
        const next = new URL(answer.location, origin + path);
        if (next.protocol !== 'http:' && next.protocol !== 'https:') break;
        answer = await send(next.origin, next.pathname + next.search);
      }
      return answer;
    },
    get count() {
      return count;
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}
