import type { IncomingMessage } from 'node:http';
import type { Resource } from '../../../server/contracts';
import type { ProxyCheck } from '../access/client-address';
import type { Exchange } from '../http/exchange';
import { negotiate } from '../http/negotiate';
import { sendStatus } from '../http/refusal-answer';
import { KEEP_PRIVATELY } from '../http/security-headers';
import { fileOf, type SegmentFiles } from './segment-files';

/** Below this the second hop costs more than it saves. */
const MIN_BYTES = 200 * 1024;

type SegmentResource = Extract<Resource, { kind: 'segment' }>;

export interface Accel {
  /** Smaller segments are always sent from here. */
  minBytes: number;
  /** Whether the answer goes to a reverse proxy that can send the file itself. */
  takes(request: IncomingMessage): boolean;
  /** Answers an admitted request for a segment. False: nothing has been sent; send it from here. */
  send(exchange: Exchange, resource: SegmentResource): Promise<boolean>;
}

export interface AccelParts {
  /** Internal location of the proxy, with a slash at both ends. */
  prefix: string;
  packager: SegmentFiles;
  isProxied: ProxyCheck;
}

/**
 * `X-Accel-Redirect`: nginx sends the segment from the cache and answers the Range itself. For segments only (S15): what it was
 * told to send it sends to the end, whatever becomes of the session.
 */
export function createAccel({ prefix, packager, isProxied }: AccelParts): Accel {
  async function send(exchange: Exchange, { track, number }: SegmentResource): Promise<boolean> {
    const { session, response } = exchange;
    const file = await fileOf(packager, { asset: session.asset, track, number });
    if (file === null || file.sizeBytes < MIN_BYTES) return false;
    // Cutting takes time; the session may have ended meanwhile, and then the connection is about to be cut.
    if (!session.mayContinue()) return true;
    const { fileName, mime, etag, sizeBytes, durationSeconds } = file;
    const { status, headers, extent } = negotiate(exchange, { mime, etag, sizeBytes, cacheControl: KEEP_PRIVATELY });
    if (extent === null) {
      response.writeHead(status, headers).end();
      return true;
    }
    const kind = track.includes('-v') ? 'video' : 'audio';
    const waitMs = session.claimMedia(kind, durationSeconds * (extent.length / sizeBytes));
    if (waitMs > 0) {
      sendStatus(response, 429, { 'retry-after': String(Math.ceil(waitMs / 1000)) });
      return true;
    }
    session.countBytes(extent.length);
    const kept = { 'content-type': mime, etag, 'cache-control': KEEP_PRIVATELY, 'content-length': 0 };
    response.writeHead(200, { ...kept, 'x-accel-redirect': prefix + fileName }).end();
    return true;
  }

  return { minBytes: MIN_BYTES, takes: ({ socket, headers }) => isProxied(socket.remoteAddress, headers), send };
}
