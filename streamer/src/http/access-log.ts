import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Logger, sessionName } from '../logger';

/** What is told about one request. Never its address, its query or its credential (S21). */
export interface RequestRecord {
  requestId: string;
  route: string;
  sessionHash?: string | undefined;
  reason?: string | undefined;
}

export interface HttpObserver {
  answered(route: string, status: number, bytes: number): void;
}

export function createRecord(route: string): RequestRecord {
  return { requestId: randomUUID(), route };
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
  response.once('close', () => {
    const { requestId, route, sessionHash, reason } = record;
    const bytes = socket.bytesWritten - bytesBefore;
    const ms = Math.round(performance.now() - startedAt);
    const session = sessionHash === undefined ? undefined : sessionName(sessionHash);
    const { statusCode: status, writableFinished: complete } = response;
    sinks.observer.answered(route, status, bytes);
    sinks.logger.info({ requestId, route, session, status, bytes, ms, complete, reason }, 'response');
  });
}
