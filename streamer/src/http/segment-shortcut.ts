import type { IncomingHttpHeaders } from 'node:http';
import { mediaKindOf } from '../../../server/contracts';
import type { Accel } from '../edge/accel';
import type { Packager } from '../packager/packager';
import type { Cors } from './cors';
import type { Exchange } from './exchange';
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

function flatten(headers: object): readonly string[] {
  return Object.freeze(Object.entries(headers).flatMap(([name, value]) => [name, String(value)]));
}

/**
 * What nearly every answer is: a whole segment that lies in memory, for a plain GET. One head and one write, with no promise,
 * copy or merging of headers in between, says what the handler would say. So does the name of a file that a proxy sends.
 */
export function createSegmentShortcut({ packager, cors, accel }: ShortcutParts): SegmentShortcut {
  const security = flatten(SECURITY_HEADERS);
  const withoutOrigin = security.concat(flatten(cors.headers(undefined)));
  const common = (origin: string | undefined): readonly string[] =>
    origin === undefined ? withoutOrigin : security.concat(flatten(cors.headers(origin)));

  return (exchange) => {
    const { request, response, session, resource } = exchange;
    if (resource.kind !== 'segment' || request.method !== 'GET' || !asksForAll(request.headers)) return false;
    const segment = packager.segmentInMemory(session.asset, resource.track, resource.number);
    const mayBeFile = accel !== null && (segment === null || segment.bytes.length >= accel.minBytes);
    if (mayBeFile && accel.takes(request)) {
      return accel.sendKnown(exchange, resource, common(request.headers.origin));
    }
    if (segment === null) return false;
    const { bytes, mime, etag, durationSeconds } = segment;
    if (session.claimMedia(mediaKindOf(resource.track), durationSeconds) > 0) return false;
    const own = ['content-type', mime, 'content-length', String(bytes.length), 'accept-ranges', 'bytes'];
    own.push('etag', etag, 'cache-control', KEEP_PRIVATELY);
    response.writeHead(200, own.concat(common(request.headers.origin)));
    session.countBytes(bytes.length);
    response.end(bytes);
    return true;
  };
}
