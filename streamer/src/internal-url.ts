import { StreamError } from './errors';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** S1: a credential travels over this connection, so it stays on this machine or is encrypted. Throws `internal-url-refused`. */
export function checkInternalUrl(internalUrl: string): void {
  const url = new URL(internalUrl);
  if (url.protocol === 'https:') return;
  if (url.protocol === 'http:' && LOOPBACK.has(url.hostname)) return;
  throw new StreamError(
    'internal-url-refused',
    `The internal URL must be https, or http on loopback; it is ${url.protocol}//${url.host}.`,
  );
}
