import { Agent, type IncomingMessage, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Context, Next } from 'koa';
import { EDGE_CLIENT_HEADER, EDGE_PROOF_HEADER, parseDeliveryPath } from '../../contracts';
import { keepQuietOnLeaving } from '../leaving-client';
import { createClientAddressReader } from './client-address';
import { forward } from './forward';
import { requestHeaders } from './headers';
import { createOpenResponses, type OpenResponses } from './open-responses';
import { readAsPlainRequest } from './plain-request';
import { METHODS, type Refusal, refuse } from './refusal';
import { readTarget } from './target';
import { forwardUpgrade, refuseUpgrade } from './upgrade';

export interface StreamProxyOptions {
  host: string;
  /** Asked for each request, as a restarted streamer has another port and knows another proof. Null: none serves. */
  streamer: () => { port: number; edgeProof: string } | null;
  trustedProxies: readonly string[];
}

export interface StreamProxy {
  middleware: (context: Context, next: Next) => Promise<void>;
  /** Listener for the server's `upgrade`; other paths are left to others, or to the server where there are none. */
  upgrade: (this: Server, request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  open: Omit<OpenResponses, 'add'>;
  /** Ends all that is being relayed and closes the idle connections to the streamer. */
  close(): void;
}

/** Browsers tell a WebSocket's origin even to the page's own server, whose public name the streamer may not know. */
function isOwnPage({ headers: { origin = '', host } }: IncomingMessage): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** FLV alone is carried over WebSocket. */
function isStreamPath(path: string): boolean {
  return parseDeliveryPath(path.replace(/\?.*$/, ''))?.resource?.kind === 'flv';
}

/**
 * S16: hands `/protected-vod/stream/*` of Strapi's port to the streamer. Throws `VodError` `config-invalid` for a
 * trusted proxy that is no address.
 *
 * Koa's `respond` is switched off instead of setting a body: Koa would answer an aborted stream with an error page and
 * log it, and a body is there for every other middleware to change. `next` is never called for a path of ours, so no
 * middleware behind this one, Strapi's logger above all, sees the request (S21).
 */
export function createStreamProxy(options: StreamProxyOptions): StreamProxy {
  const { host, streamer } = options;
  const agent = new Agent({ keepAlive: true });
  const open = createOpenResponses();
  const readClientAddress = createClientAddressReader(options.trustedProxies);

  function headersFor(request: IncomingMessage, edgeProof: string): OutgoingHttpHeaders {
    const forwardedFor = request.headersDistinct['x-forwarded-for']?.join(',');
    const client = readClientAddress({ remoteAddress: request.socket.remoteAddress, forwardedFor });
    // An empty address beside a proof is refused by the streamer, where a missing proof would make it our own address.
    return {
      ...requestHeaders(request.headers),
      [EDGE_PROOF_HEADER]: edgeProof,
      [EDGE_CLIENT_HEADER]: client ?? '',
    };
  }

  async function middleware(context: Context, next: Next): Promise<void> {
    const { req, res: response } = context;
    const target = readTarget(req.url ?? '/');
    if (target.kind === 'elsewhere') {
      await next();
      return;
    }
    context.respond = false;
    keepQuietOnLeaving(context);
    const method = req.method ?? '';
    const serving = streamer();
    if (target.kind === 'refused') return refuse(response, 'notFound');
    if (!METHODS.includes(method)) return refuse(response, 'methodNotAllowed');
    if (serving === null) return refuse(response, 'unavailable');
    open.add(target.path, response);
    const headers = headersFor(req, serving.edgeProof);
    await forward({ method, path: target.path, headers, host, port: serving.port, agent, response });
  }

  /** What a handshake is refused for, or where it goes. */
  function judgeUpgrade(request: IncomingMessage): Refusal | { port: number; path: string; edgeProof: string } {
    const target = readTarget(request.url ?? '/');
    if (target.kind !== 'stream' || !isStreamPath(target.path)) return 'notFound';
    if (request.method !== 'GET') return 'methodNotAllowed';
    const serving = streamer();
    return serving === null ? 'unavailable' : { ...serving, path: target.path };
  }

  function upgrade(this: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const isOurs = readTarget(request.url ?? '/').kind !== 'elsewhere';
    if (!isOurs || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      if (isOurs || this.listenerCount('upgrade') === 1) readAsPlainRequest(this, request, socket, head);
      return;
    }
    // Node has taken its own listener off: an error without one would end Strapi.
    socket.on('error', () => socket.destroy());
    const way = judgeUpgrade(request);
    if (typeof way === 'string') {
      refuseUpgrade(socket, way);
      return;
    }
    const { path, port, edgeProof } = way;
    open.add(path, socket);
    const headers = headersFor(request, edgeProof);
    if (isOwnPage(request)) delete headers.origin;
    forwardUpgrade({ path, headers, host, port, socket, head });
  }

  return {
    middleware,
    upgrade,
    open,
    close() {
      open.endAll();
      agent.destroy();
    },
  };
}
