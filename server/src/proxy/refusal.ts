import type { ServerResponse } from 'node:http';

export const METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** The proxy's own answers. Constant, so that they tell nothing about what was asked for. */
export const REFUSALS = {
  notFound: { status: 404, body: 'Not Found\n', headers: {} },
  methodNotAllowed: { status: 405, body: 'Method Not Allowed\n', headers: { allow: METHODS.join(', ') } },
  unavailable: { status: 503, body: 'The streamer is not available.\n', headers: { 'retry-after': '2' } },
} satisfies Record<string, { status: number; body: string; headers: Record<string, string> }>;

export type Refusal = keyof typeof REFUSALS;

export const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; sandbox",
  'content-type': 'text/plain; charset=utf-8',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Only before any header was sent. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  const { status, body, headers } = REFUSALS[refusal];
  response.writeHead(status, { ...SAFE_HEADERS, 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}
