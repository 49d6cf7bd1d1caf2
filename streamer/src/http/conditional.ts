import type { IncomingHttpHeaders } from 'node:http';

export type Precondition = 'proceed' | 'not-modified' | 'failed';

function listed(field: string, etag: string, weakly: boolean): boolean {
  if (field.trim() === '*') return true;
  return field.split(',').some((entry) => {
    const tag = entry.trim();
    return tag === etag || (weakly && tag === `W/${etag}`);
  });
}

/**
 * Preconditions of a GET or HEAD against a strong ETag (RFC 9110 §13.2.2). Dates are ignored: we send no Last-Modified, and
 * clocks do not cross processes.
 */
export function evaluatePreconditions(headers: IncomingHttpHeaders, etag: string): Precondition {
  const match = headers['if-match'];
  // RFC 9110 §13.1.1: If-Match compares strongly, §13.1.2: If-None-Match weakly.
  if (match !== undefined && !listed(match, etag, false)) return 'failed';
  const noneMatch = headers['if-none-match'];
  return noneMatch !== undefined && listed(noneMatch, etag, true) ? 'not-modified' : 'proceed';
}

/** The Range field if it counts: RFC 9110 §13.1.5, a Range beside an If-Range that does not match is ignored. */
export function effectiveRange(headers: IncomingHttpHeaders, etag: string): string | undefined {
  const ifRange = headers['if-range'];
  const validator = Array.isArray(ifRange) ? undefined : ifRange;
  if (ifRange !== undefined && validator?.trim() !== etag) return undefined;
  return headers.range;
}
