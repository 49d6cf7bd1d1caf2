import http from 'node:http';
import https from 'node:https';
import { STREAMER_CREDENTIAL_HEADER } from '../../../server/contracts';
import { codeOf, describeCause } from '../errors';
import type { Clock } from './clock';
import type { PluginHosts } from './plugin-hosts';

export type PluginAnswer =
  /** Status 200 and JSON; its shape is unchecked. `sentAt` is the monotonic moment the request left. */
  | { kind: 'answered'; json: unknown; sentAt: number }
  /** Network error, timeout or 5xx: the only reasons for outage grace (S18). */
  | { kind: 'unavailable'; reached: boolean; cause: string }
  /** Any other status, or a body that is not JSON or too large. */
  | { kind: 'broken'; cause: string };

export interface PluginApi {
  /** Never throws and follows no redirect. */
  post(path: '/introspect' | '/sync' | '/poster', body: string): Promise<PluginAnswer>;
  close(): void;
}

export interface PluginApiOptions {
  hosts: Pick<PluginHosts, 'internalUrl' | 'failed'>;
  credential: string;
  timeoutMs: number;
  maxAnswerBytes: number;
  maxSockets: number;
  clock: Clock;
}

interface RawAnswer {
  status: number;
  body: Buffer | null;
}

function readBounded(response: http.IncomingMessage, maxBytes: number): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const status = response.statusCode ?? 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      resolve({ status, body: null });
      response.destroy();
    });
    response.on('end', () => resolve({ status, body: Buffer.concat(chunks) }));
    response.on('error', reject);
    response.on('close', () => reject(new Error('the answer was cut off')));
  });
}

function interpret({ status, body }: RawAnswer, sentAt: number): PluginAnswer {
  if (status >= 500) return { kind: 'unavailable', reached: true, cause: `status ${status}` };
  if (status !== 200) return { kind: 'broken', cause: `status ${status}` };
  if (body === null) return { kind: 'broken', cause: 'answer too large' };
  try {
    return { kind: 'answered', json: JSON.parse(body.toString('utf8')), sentAt };
  } catch {
    return { kind: 'broken', cause: 'answer is not JSON' }; // The parser's message would quote it.
  }
}

/**
 * One kept-alive line to the plugin's internal REST, with its own sockets, a time limit and a size limit. Where several
 * Strapi processes could answer, a request that the one does not answer is sent to the next, once.
 */
export function createPluginApi(options: PluginApiOptions): PluginApi {
  const { hosts, credential, timeoutMs, maxAnswerBytes, maxSockets, clock } = options;
  const agents = {
    http: new http.Agent({ keepAlive: true, maxSockets }),
    https: new https.Agent({ keepAlive: true, maxSockets }),
  };

  function send(internalUrl: string, path: string, body: string): Promise<RawAnswer> {
    const base = internalUrl.replace(/\/+$/, '');
    const [transport, agent] = base.startsWith('https:') ? [https, agents.https] : [http, agents.http];
    return new Promise((resolve, reject) => {
      const headers = {
        [STREAMER_CREDENTIAL_HEADER]: credential,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      };
      const request = transport.request(base + path, { method: 'POST', agent, headers });
      const timer = setTimeout(() => request.destroy(new Error('timeout')), timeoutMs);
      request.on('close', () => clearTimeout(timer));
      request.on('response', (response) => readBounded(response, maxAnswerBytes).then(resolve, reject));
      request.on('error', (error) => reject(Object.assign(error, { reusedSocket: request.reusedSocket })));
      request.end(body);
    });
  }

  /** The plugin may close an idle connection in the moment we reuse it; that is no outage. */
  function wasStale(error: unknown): boolean {
    const reused = error instanceof Error && 'reusedSocket' in error && error.reusedSocket === true;
    return reused && ['ECONNRESET', 'EPIPE'].includes(codeOf(error) ?? '');
  }

  async function post(path: string, body: string): Promise<PluginAnswer> {
    let mayRepeat = true;
    let mayMove = true;
    for (;;) {
      const sentAt = clock();
      const internalUrl = hosts.internalUrl();
      try {
        return interpret(await send(internalUrl, path, body), sentAt);
      } catch (error) {
        if (mayRepeat && wasStale(error)) {
          mayRepeat = false;
          continue;
        }
        hosts.failed(internalUrl);
        if (mayMove && hosts.internalUrl() !== internalUrl) {
          mayMove = false;
          continue;
        }
        return { kind: 'unavailable', reached: false, cause: describeCause(error) };
      }
    }
  }

  return {
    post,
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}
