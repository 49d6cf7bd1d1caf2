import {
  type Agent,
  ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream';
import { responseHeaders } from './headers';
import { refuse } from './refusal';

/** A streamer that says nothing for so long will not; the longest honest wait is one introspection. */
const ANSWER_TIMEOUT_MS = 30_000;

export interface Exchange {
  method: string;
  path: string;
  headers: OutgoingHttpHeaders;
  host: string;
  port: number;
  agent: Agent;
  response: ServerResponse;
}

function relay(answer: IncomingMessage, response: ServerResponse): void {
  response.statusCode = answer.statusCode ?? 502;
  response.statusMessage = answer.statusMessage ?? '';
  for (const [name, values] of responseHeaders(answer))
    response.setHeader(name, values.length === 1 ? (values[0] ?? '') : values);
  // An answer of unknown length may be long in coming; its head is not.
  if (answer.headers['content-length'] === undefined) response.flushHeaders();
  // S15: an answer cut short must not look complete. Destroyed here and without an error, ahead of `pipeline`, because
  // Koa prints the stack of an error on the viewer's socket as a fault of the server.
  answer.once('error', () => response.destroy());
  pipeline(answer, response, () => {});
}

function isStaleSocket(request: ClientRequest, error: NodeJS.ErrnoException): boolean {
  return request.reusedSocket && error.code === 'ECONNRESET';
}

function attempt(exchange: Exchange, retries: number): void {
  const { response, method, path, headers, host, port, agent } = exchange;
  // Not `http.request`: Strapi's `server.proxy.global` replaces that to send everything, this too, to an outbound proxy.
  const request = new ClientRequest({ host, port, method, path, headers, agent });
  const cut = () => request.destroy();
  response.once('close', cut);
  request.setTimeout(ANSWER_TIMEOUT_MS, cut);
  request.once('response', (answer) => {
    request.setTimeout(0);
    relay(answer, response);
  });
  request.once('error', (error: NodeJS.ErrnoException) => {
    response.off('close', cut);
    if (response.destroyed) return;
    if (response.headersSent) response.destroy();
    // The streamer may close an idle connection at the moment of its reuse; GET, HEAD and OPTIONS may be repeated (RFC 9110 §9.2.2).
    else if (retries > 0 && isStaleSocket(request, error)) attempt(exchange, retries - 1);
    else refuse(response, 'unavailable');
  });
  request.end();
}

/**
 * Passes one request without a body on and its answer back. Resolves when the viewer's response is over, however it
 * ended; never rejects. Whichever side closes first takes the other with it.
 */
export function forward(exchange: Exchange): Promise<void> {
  const { response } = exchange;
  if (response.destroyed || response.socket?.destroyed !== false) return Promise.resolve();
  const over = new Promise<void>((resolve) => response.once('close', resolve));
  attempt(exchange, 1);
  return over;
}
