import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import Koa from 'koa';
import { createStreamProxy, type StreamProxy } from '../../../../server/src/proxy';

export const EDGE_PROOF = 'p'.repeat(43);

export interface Site {
  server: Server;
  port: number;
  proxy: StreamProxy;
  /** Paths that got past the proxy, as Strapi's logger would print them. */
  logged: string[];
  /** Errors that Koa would have printed. */
  faults: unknown[];
  stop(): void;
}

export interface Upstream {
  server: Server;
  port: number;
  stop(): void;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function stopper(server: Server): () => void {
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

/** Stands in for the streamer. */
export async function startUpstream(listener: RequestListener): Promise<Upstream> {
  const server = createServer(listener);
  return { server, port: await listen(server), stop: stopper(server) };
}

/** A Koa app with the proxy ahead of a logger, as in Strapi. `port` may change what it returns. */
export async function startSite(port: () => number | null, trustedProxies: string[] = []): Promise<Site> {
  const proxy = createStreamProxy({
    host: '127.0.0.1',
    streamer() {
      const known = port();
      return known === null ? null : { port: known, edgeProof: EDGE_PROOF };
    },
    trustedProxies,
  });
  const logged: string[] = [];
  const faults: unknown[] = [];
  const app = new Koa();
  app.on('error', (error: unknown) => faults.push(error));
  app.use(proxy.middleware);
  app.use((context) => {
    logged.push(context.url);
    context.body = 'Strapi';
  });
  const server = createServer(app.callback());
  server.prependListener('upgrade', proxy.upgrade);
  const sitePort = await listen(server);
  const stop = stopper(server);
  return {
    server,
    port: sitePort,
    proxy,
    logged,
    faults,
    stop() {
      proxy.close();
      stop();
    },
  };
}

export interface Asked {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string;
}

/** Sends `path` as it is; resolves when the head of the answer is there. */
export async function open(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Asked = {},
): Promise<IncomingMessage> {
  const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false });
  asked.end(body);
  const [answer] = await once(asked, 'response');
  return answer as IncomingMessage;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Like `open`, to the end of the body; rejects when that is cut short. */
export async function ask(port: number, path: string, asked: Asked = {}): Promise<Answer> {
  const answer = await open(port, path, asked);
  let body = '';
  for await (const chunk of answer) body += String(chunk);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body };
}

/** The status line that bytes written as they are get. */
export async function askRaw(port: number, head: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(head, 'latin1');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text.split('\r\n')[0] ?? '';
}
