import type { IncomingHttpHeaders } from 'node:http';
import { mediaKindOf } from '../../../server/contracts';
import type { Accel } from '../edge/accel';
import type { PackagedSegment, Packager } from '../packager/packager';
import { type Cors, createCorsHeads } from './cors';
import type { Exchange } from './exchange';
import { HeadPart, writeReadyHead } from './ready-head';
import { KEEP_PRIVATELY, SECURITY_HEADERS } from './security-headers';

export interface ShortcutParts {
  packager: Packager;
  cors: Cors;
  /** Null: no reverse proxy sends segments from the cache. */
  accel: Accel | null;
}

/** Answers an admitted request at once. False: nothing has been sent, and the handler has to answer it. */
export type SegmentShortcut = (exchange: Exchange) => boolean;

function asksForAll({ range, 'if-none-match': ifNoneMatch, 'if-match': ifMatch }: IncomingHttpHeaders): boolean {
  return range === undefined && ifNoneMatch === undefined && ifMatch === undefined;
}

/**
 * What nearly every answer is: a whole segment that lies in memory, for a plain GET. One head and one write, with no promise,
 * copy or merging of headers in between, says what the handler would say. So does the name of a file that a proxy sends.
 */
export function createSegmentShortcut({ packager, cors, accel }: ShortcutParts): SegmentShortcut {
  const corsOf = createCorsHeads(cors);
  /** By the bytes that they describe, which are the same as long as a segment lies in memory. */
  const heads = new WeakMap<Buffer, HeadPart>();

  function headOf({ bytes, mime, etag }: PackagedSegment): HeadPart {
    const known = heads.get(bytes);
    if (known !== undefined) return known;
    const own = { 'content-type': mime, 'content-length': bytes.length, 'accept-ranges': 'bytes', etag };
    const head = new HeadPart({ ...own, 'cache-control': KEEP_PRIVATELY, ...SECURITY_HEADERS });
    heads.set(bytes, head);
    return head;
  }

  return (exchange) => {
    const { request, response, session, resource } = exchange;
    if (resource.kind !== 'segment' || request.method !== 'GET' || !asksForAll(request.headers)) return false;
    // Only what HLS is sent of such a session is encrypted.
    if (resource.protocol === 'hls' && session.hlsEncryption !== null) return false;
    const segment = packager.segmentInMemory(session.asset, resource.track, resource.number);
    const mayBeFile = accel !== null && (segment === null || segment.bytes.length >= accel.minBytes);
    if (mayBeFile && accel.takes(request)) return accel.sendKnown(exchange, resource, corsOf(request.headers.origin));
    if (segment === null) return false;
    const { bytes, durationSeconds } = segment;
    if (session.claimMedia(mediaKindOf(resource.track), durationSeconds) > 0) return false;
    writeReadyHead(response, headOf(segment), corsOf(request.headers.origin));
    session.countBytes(bytes.length);
    response.end(bytes);
    return true;
  };
}
