import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Logger, sessionName } from '../logger';

/** What is told about one request. Never its address, its query or its credential (S21). */
export class RequestRecord {
  sessionHash: string | undefined;
  reason: string | undefined;
  #requestId: string | undefined;

  constructor(readonly route: string) {}

  /** Drawn when it is first asked for: most answers leave no line. */
  get requestId(): string {
    this.#requestId ??= randomUUID();
    return this.#requestId;
  }
}

const MEDIA_ROUTES = new Set(['init-segment', 'segment', 'edge']);

export interface HttpObserver {
  answered(route: string, status: number, bytes: number): void;
}

export function createRecord(route: string): RequestRecord {
  return new RequestRecord(route);
}

/** One line per response, when its connection is done with it. */
export function logWhenClosed(
  exchange: { request: IncomingMessage; response: ServerResponse },
  record: RequestRecord,
  sinks: { logger: Logger; observer: HttpObserver },
): void {
  const { request, response } = exchange;
  const { socket } = request;
  const startedAt = performance.now();
  const bytesBefore = socket.bytesWritten;
  response.on('close', () => {
    const { route } = record;
    const { statusCode: status, writableFinished: complete } = response;
    const bytes = socket.bytesWritten - bytesBefore;
    sinks.observer.answered(route, status, bytes);
    // Segments are nearly all there is, and those that went well are told by the metrics.
    const level = MEDIA_ROUTES.has(route) && complete && status < 400 ? 'debug' : 'info';
    if (!sinks.logger.isLevelEnabled(level)) return;
    const ms = Math.round(performance.now() - startedAt);
    const { requestId, sessionHash, reason } = record;
    const session = sessionHash === undefined ? undefined : sessionName(sessionHash);
    sinks.logger[level]({ requestId, route, session, status, bytes, ms, complete, reason }, 'response');
  });
}
