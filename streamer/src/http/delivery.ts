import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { ClientAddressReader } from '../access/client-address';
import type { Admission, Gate, PlaybackSession } from '../access/gate';
import type { PosterFinding } from '../access/poster-lookup';
import { createClientReader } from '../access/socket-client';
import type { EdgeAuthorizer } from '../edge/authorize';
import { codeOf, describeCause } from '../errors';
import type { Logger } from '../logger';
import { startQueryOf } from '../rtmp/flv-answer';
import { createRecord, type HttpObserver, logWhenClosed, type RequestRecord } from './access-log';
import type { Cors } from './cors';
import { cutConnection } from './cut-connection';
import type { Exchange } from './exchange';
import type { Handler } from './handlers';
import type { Pictures } from './pictures';
import { sendRefusal, sendStatus } from './refusal-answer';
import { type Route, routeName, routeOf } from './router';
import { NO_STORE, SECURITY_HEADERS } from './security-headers';
import type { SegmentShortcut } from './segment-shortcut';

export interface DeliveryParts {
  gate: Gate;
  shortcut: SegmentShortcut;
  handler: Handler;
  pictures: Pick<Pictures, 'show'>;
  cors: Cors;
  addressOf: ClientAddressReader;
  logger: Logger;
  observer: HttpObserver;
  /** Null: reverse proxies may not ask. */
  edge: EdgeAuthorizer | null;
}

type DeliveryRoute = Extract<Route, { kind: 'delivery' }>;

interface Asked {
  request: IncomingMessage;
  response: ServerResponse;
  record: RequestRecord;
}

/** The asset does not have it: missing, or in a form that cannot be packaged. */
const ABSENT = new Set(['asset-missing', 'unsupported-codec', 'hidden-part']);

/** What waits for a thread that cuts is worked off in a few seconds. */
const OVERLOAD_RETRY_SECONDS = '2';

export function isAbsent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return ABSENT.has(codeOf(error) ?? '') || ABSENT.has(codeOf(cause) ?? '');
}

function commonHeaders(cors: OutgoingHttpHeaders): [name: string, value: string][] {
  return Object.entries({ ...SECURITY_HEADERS, ...cors }).map(([name, value]) => [name, String(value)]);
}

function cutAnswer(response: ServerResponse): void {
  if (response.socket !== null) cutConnection(response.socket);
  response.destroy();
}

function bindToSession(session: PlaybackSession, response: ServerResponse): void {
  session.onEnd(() => cutAnswer(response));
  response.on('close', () => session.release());
  if (session.ended || response.destroyed) {
    session.release();
    response.destroy();
  }
}

/** From a request line to an answer: route, gate, handler. Nothing behind the gate is touched before it has admitted. */
export function createDelivery(parts: DeliveryParts): (request: IncomingMessage, response: ServerResponse) => void {
  const { gate, shortcut, handler, pictures, cors, addressOf, logger, observer, edge } = parts;
  const clientOf = createClientReader(addressOf);
  const withoutOrigin = commonHeaders(cors.headers(undefined));

  /** S20: what every answer carries; the shortcut brings its own, and a permission goes to a proxy alone. */
  function dress({ request, response }: { request: IncomingMessage; response: ServerResponse }): void {
    const { origin } = request.headers;
    const headers = origin === undefined ? withoutOrigin : commonHeaders(cors.headers(origin));
    for (const [name, value] of headers) response.setHeader(name, value);
  }

  function fail(response: ServerResponse, record: RequestRecord, error: unknown): void {
    const { requestId, route } = record;
    const code = codeOf(error) ?? 'unexpected';
    const cause = error instanceof Error && error.cause !== undefined ? describeCause(error.cause) : undefined;
    logger.error({ requestId, route, code, message: describeCause(error), cause }, 'request failed');
    if (response.headersSent) cutAnswer(response);
    else if (code === 'overloaded') sendStatus(response, 503, { 'retry-after': OVERLOAD_RETRY_SECONDS });
    else sendStatus(response, isAbsent(error) ? 404 : 500);
  }

  function deliver(exchange: Exchange, record: RequestRecord): void {
    const { session, response } = exchange;
    bindToSession(session, response);
    const finish = (found: boolean): void => {
      if (!found) sendStatus(response, 404);
    };
    if (shortcut(exchange)) return;
    dress(exchange);
    handler(exchange)
      .then(finish)
      .catch((error: unknown) => fail(response, record, error));
  }

  function answer(admission: Admission, asked: Asked): void {
    const { request, response, record } = asked;
    if (admission.kind === 'admitted') {
      const { session, resource } = admission;
      record.sessionHash = session.sessionHash;
      deliver({ request, response, session, resource }, record);
      return;
    }
    dress(asked);
    record.sessionHash = admission.sessionHash;
    if (admission.kind === 'refused') {
      record.reason = admission.reason;
      sendRefusal(response, admission);
      return;
    }
    const location = admission.location + startQueryOf(request.url);
    response.writeHead(302, { location, 'cache-control': NO_STORE, 'content-length': 0 });
    response.end();
  }

  async function showPoster(finding: Promise<PosterFinding>, asked: Asked): Promise<void> {
    const found = await finding;
    dress(asked);
    if (found.kind === 'still') return pictures.show(asked, found.file);
    asked.record.reason = found.reason;
    sendRefusal(asked.response, found);
  }

  /** In one go where nothing has to be waited for, which is how nearly all segments leave. */
  function passGate(request: IncomingMessage, response: ServerResponse, route: DeliveryRoute): void {
    const { method, url } = route;
    const record = createRecord(routeName(route));
    const asked: Asked = { request, response, record };
    logWhenClosed(asked, record, { logger, observer });
    const { credential, resource } = url;
    try {
      const admissionRequest = { method, credential, resource, client: clientOf(request) };
      const still = gate.show(admissionRequest);
      if (still !== null) {
        showPoster(still, asked).catch((error: unknown) => fail(response, record, error));
        return;
      }
      const admission = gate.admit(admissionRequest);
      if (!(admission instanceof Promise)) answer(admission, asked);
      else admission.then((found) => answer(found, asked)).catch((error: unknown) => fail(response, record, error));
    } catch (error) {
      fail(response, record, error);
    }
  }

  function answerEdge(request: IncomingMessage, response: ServerResponse, authorizer: EdgeAuthorizer): void {
    const record = createRecord('edge');
    const asked: Asked = { request, response, record };
    logWhenClosed(asked, record, { logger, observer });
    const failed = (error: unknown): void => {
      if (!response.headersSent) dress(asked);
      fail(response, record, error);
    };
    try {
      authorizer.answer({ ...asked, dress: () => dress(asked) })?.catch(failed);
    } catch (error) {
      failed(error);
    }
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
    const route = routeOf(request.method, request.url);
    if (route.kind === 'delivery') {
      passGate(request, response, route);
      return;
    }
    if (route.kind === 'edge' && edge !== null) {
      answerEdge(request, response, edge);
      return;
    }
    dress({ request, response });
    answerOutsideGate(request, response, route);
  };
}
