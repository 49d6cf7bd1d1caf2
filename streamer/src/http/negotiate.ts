import type { OutgoingHttpHeaders } from 'node:http';
import { parseByteRange } from './byte-range';
import { effectiveRange, evaluatePreconditions } from './conditional';
import type { Exchange, Representation } from './exchange';

/** What is left to send after the head. `last` is inclusive. */
export interface Extent {
  first: number;
  last: number;
  length: number;
}

/** How the request is to be answered; `extent` is null where no body follows. */
export interface AnswerHead {
  status: 200 | 206 | 304 | 412 | 416;
  headers: OutgoingHttpHeaders;
  extent: Extent | null;
}

function partial(representation: Representation, extent: Extent): OutgoingHttpHeaders {
  return { 'content-range': `bytes ${extent.first}-${extent.last}/${representation.sizeBytes}` };
}

/** Preconditions, then ranges (RFC 9110 §13.2.2). Only ever called for an admitted request: S19. */
export function negotiate({ request }: Pick<Exchange, 'request'>, representation: Representation): AnswerHead {
  const { etag, mime, cacheControl, sizeBytes } = representation;
  const always = { etag, 'cache-control': cacheControl, 'accept-ranges': 'bytes' };
  const precondition = evaluatePreconditions(request.headers, etag);
  if (precondition === 'not-modified') return { status: 304, headers: always, extent: null };
  if (precondition === 'failed') return { status: 412, headers: { ...always, 'content-length': 0 }, extent: null };
  // RFC 9110 §14.2: Range means something for GET only.
  const field = request.method === 'GET' ? effectiveRange(request.headers, etag) : undefined;
  const range = parseByteRange(field, sizeBytes);
  if (range.kind === 'unsatisfiable') {
    // RFC 9110 §15.5.17: tell the current length.
    const headers = { ...always, 'content-range': `bytes */${sizeBytes}`, 'content-length': 0 };
    return { status: 416, headers, extent: null };
  }
  const { first, last } = range.kind === 'part' ? range : { first: 0, last: sizeBytes - 1 };
  const extent = { first, last, length: last - first + 1 };
  const content = { 'content-type': mime, 'content-length': extent.length, ...representation.headers };
  const headers = { ...always, ...content, ...(range.kind === 'part' ? partial(representation, extent) : {}) };
  const hasBody = request.method === 'GET' && extent.length > 0;
  return { status: range.kind === 'part' ? 206 : 200, headers, extent: hasBody ? extent : null };
}
