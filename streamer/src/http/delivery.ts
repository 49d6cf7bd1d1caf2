import type { IncomingMessage, ServerResponse } from 'node:http';
import { describeClient } from '../access/client';
import type { ClientAddressReader } from '../access/client-address';
import type { Gate, PlaybackSession } from '../access/gate';
import { codeOf, describeCause } from '../errors';
import type { Logger } from '../logger';
import { createRecord, type HttpObserver, logWhenClosed, type RequestRecord } from './access-log';
import type { Cors } from './cors';
import type { Exchange } from './exchange';
import type { Handler } from './handlers';
import { sendRefusal, sendStatus } from './refusal-answer';
import { type Route, routeName, routeOf } from './router';
import { NO_STORE, SECURITY_HEADERS } from './security-headers';

export interface DeliveryParts {
  gate: Gate;
  handler: Handler;
  cors: Cors;
  addressOf: ClientAddressReader;
  logger: Logger;
  observer: HttpObserver;
}

type DeliveryRoute = Extract<Route, { kind: 'delivery' }>;

/** The asset does not have it: missing, or in a form that cannot be packaged. */
const ABSENT = new Set(['asset-missing', 'unsupported-codec']);

function isAbsent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return ABSENT.has(codeOf(error) ?? '') || ABSENT.has(codeOf(cause) ?? '');
}

/** S15: with a reset, so that nothing left in the socket's buffers is sent either. */
function cutConnection(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
  response.destroy();
}

function bindToSession(session: PlaybackSession, response: ServerResponse): void {
  session.signal.addEventListener('abort', () => cutConnection(response), { once: true });
  response.once('close', () => session.release());
  if (session.signal.aborted || response.destroyed) {
    session.release();
    response.destroy();
  }
}

/** From a request line to an answer: route, gate, handler. Nothing behind the gate is touched before it has admitted. */
export function createDelivery(parts: DeliveryParts): (request: IncomingMessage, response: ServerResponse) => void {
  const { gate, handler, cors, addressOf, logger, observer } = parts;

  function fail(response: ServerResponse, record: RequestRecord, error: unknown): void {
    const { requestId, route } = record;
    const code = codeOf(error) ?? 'unexpected';
    const cause = error instanceof Error && error.cause !== undefined ? describeCause(error.cause) : undefined;
    logger.error({ requestId, route, code, message: describeCause(error), cause }, 'request failed');
    if (response.headersSent) cutConnection(response);
    else sendStatus(response, isAbsent(error) ? 404 : 500);
  }

  async function deliver(exchange: Exchange, record: RequestRecord): Promise<void> {
    bindToSession(exchange.session, exchange.response);
    try {
      const found = await handler(exchange);
      if (!found) sendStatus(exchange.response, 404);
    } catch (error) {
      fail(exchange.response, record, error);
    }
  }

  async function passGate(request: IncomingMessage, response: ServerResponse, route: DeliveryRoute): Promise<void> {
    const record = createRecord(routeName(route));
    logWhenClosed({ request, response }, record, { logger, observer });
    const address = addressOf(request.socket.remoteAddress, request.headers);
    const client = address === null ? null : describeClient(address, request.headers['user-agent']);
    const { credential, resource } = route.url;
    const admission = await gate.admit({ method: route.method, credential, resource, client });
    if (admission.kind === 'admitted') {
      const { session } = admission;
      record.sessionHash = session.sessionHash;
      await deliver({ request, response, session, resource: admission.resource }, record);
      return;
    }
    record.sessionHash = admission.sessionHash;
    if (admission.kind === 'refused') {
      record.reason = admission.reason;
      sendRefusal(response, admission);
      return;
    }
    response.writeHead(302, { location: admission.location, 'cache-control': NO_STORE, 'content-length': 0 });
    response.end();
  }

  function answerOutsideGate(request: IncomingMessage, response: ServerResponse, route: Route): void {
    logWhenClosed({ request, response }, createRecord(routeName(route)), { logger, observer });
    if (route.kind === 'preflight') {
      response.writeHead(204, { ...cors.preflightHeaders(request.headers.origin), allow: 'GET, HEAD, OPTIONS' });
      response.end();
      return;
    }
    if (route.kind === 'method-not-allowed') sendStatus(response, 405, { allow: 'GET, HEAD, OPTIONS' });
    else sendStatus(response, route.kind === 'target-too-long' ? 414 : 404);
  }

  return (request, response) => {
    const headers = { ...SECURITY_HEADERS, ...cors.headers(request.headers.origin) };
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    const route = routeOf(request.method, request.url);
    if (route.kind !== 'delivery') {
      answerOutsideGate(request, response, route);
      return;
    }
    passGate(request, response, route).catch((error: unknown) => fail(response, createRecord(route.kind), error));
  };
}
