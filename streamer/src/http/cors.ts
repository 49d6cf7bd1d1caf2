import type { OutgoingHttpHeaders } from 'node:http';
import { HeadPart } from './ready-head';

const EXPOSED = 'Content-Range, Content-Length, Accept-Ranges, ETag, Retry-After';

export interface Cors {
  /** For every answer; empty of permission unless `origin` is listed. */
  headers(origin: string | undefined): OutgoingHttpHeaders;
  /** For the answer to a preflight. */
  preflightHeaders(origin: string | undefined): OutgoingHttpHeaders;
}

/** S20: origins are named one by one, and credentials are never allowed. `ownOrigins` may change from call to call. */
export function createCors(origins: readonly string[], ownOrigins: () => readonly string[] = () => []): Cors {
  const allowsAll = origins.includes('*');
  const listed = new Set(origins);

  function headers(origin: string | undefined): OutgoingHttpHeaders {
    const isAllowed = origin !== undefined && (allowsAll || listed.has(origin) || ownOrigins().includes(origin));
    // Vary also where nothing is permitted: a cache must not give that answer to a permitted origin.
    if (!isAllowed) return { vary: 'Origin' };
    return { vary: 'Origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED };
  }

  function preflightHeaders(origin: string | undefined): OutgoingHttpHeaders {
    const allowed = headers(origin);
    if (allowed['access-control-allow-origin'] === undefined) return allowed;
    return {
      ...allowed,
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': 'Range, If-Range, If-None-Match',
      'access-control-max-age': '7200',
    };
  }

  return { headers, preflightHeaders };
}

/** `headers` as text that needs no more work; nearly always the same. */
export function createCorsHeads(cors: Cors): (origin: string | undefined) => HeadPart {
  const withoutOrigin = new HeadPart(cors.headers(undefined));
  return (origin) => (origin === undefined ? withoutOrigin : new HeadPart(cors.headers(origin)));
}
