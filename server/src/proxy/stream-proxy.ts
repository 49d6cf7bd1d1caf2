import { Agent } from 'node:http';
import type { Context, Next } from 'koa';
import { EDGE_CLIENT_HEADER, EDGE_PROOF_HEADER } from '../../contracts';
import { keepQuietOnLeaving } from '../leaving-client';
import { createClientAddressReader } from './client-address';
import { forward } from './forward';
import { requestHeaders } from './headers';
import { createOpenResponses, type OpenResponses } from './open-responses';
import { METHODS, refuse } from './refusal';
import { readTarget } from './target';

export interface StreamProxyOptions {
  host: string;
  /** Asked for each request, as a restarted streamer may have another one. Null: no streamer serves. */
  port: () => number | null;
  edgeProof: string;
  trustedProxies: readonly string[];
}

export interface StreamProxy {
  middleware: (context: Context, next: Next) => Promise<void>;
  open: Pick<OpenResponses, 'endSession' | 'endAll'>;
  /** Ends all that is being relayed and closes the idle connections to the streamer. */
  close(): void;
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
  const { host, edgeProof } = options;
  const agent = new Agent({ keepAlive: true });
  const open = createOpenResponses();
  const readClientAddress = createClientAddressReader(options.trustedProxies);

  function edgeHeaders({ req }: Context): Record<string, string> {
    const forwardedFor = req.headersDistinct['x-forwarded-for']?.join(',');
    const client = readClientAddress({ remoteAddress: req.socket.remoteAddress, forwardedFor });
    // An empty address beside a proof is refused by the streamer, where a missing proof would make it our own address.
    return { [EDGE_PROOF_HEADER]: edgeProof, [EDGE_CLIENT_HEADER]: client ?? '' };
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
    const port = options.port();
    if (target.kind === 'refused') return refuse(response, 'notFound');
    if (!METHODS.includes(method)) return refuse(response, 'methodNotAllowed');
    if (port === null) return refuse(response, 'unavailable');
    open.add(target.path, response);
    const headers = { ...requestHeaders(req.headers), ...edgeHeaders(context) };
    await forward({ method, path: target.path, headers, host, port, agent, response });
  }

  return {
    middleware,
    open,
    close() {
      open.endAll();
      agent.destroy();
    },
  };
}
