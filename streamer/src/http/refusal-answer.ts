import type { ServerResponse } from 'node:http';
import type { Refusal } from '../access/refusal';
import { NO_STORE } from './security-headers';

/** One sentence per status, whatever the reason: an answer before the gate must not tell why. */
const SENTENCES: Record<number, string> = {
  400: 'Bad Request\n',
  401: 'Unauthorized\n',
  403: 'Forbidden\n',
  404: 'Not Found\n',
  405: 'Method Not Allowed\n',
  414: 'URI Too Long\n',
  429: 'Too Many Requests\n',
  500: 'Internal Server Error\n',
  503: 'Service Unavailable\n',
};

export function sendStatus(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  const body = Buffer.from(SENTENCES[status] ?? '\n');
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
    'cache-control': NO_STORE,
    ...headers,
  });
  response.end(body);
}

/** Media that the session's pace has no room for yet (S13). */
export function sendTooFast(response: ServerResponse, waitMs: number): void {
  sendStatus(response, 429, { 'retry-after': String(Math.ceil(waitMs / 1000)) });
}

export function sendRefusal(response: ServerResponse, { status, retryAfterSeconds }: Refusal): void {
  const headers: Record<string, string> = {};
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
  // RFC 9110 §15.5.2 asks for a challenge; this scheme makes no browser ask its user for a password.
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="protected-vod"';
  sendStatus(response, status, headers);
}
