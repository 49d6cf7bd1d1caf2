import type { IncomingMessage } from 'node:http';
import { mediaKindOf, type Resource } from '../../../server/contracts';
import type { ProxyCheck } from '../access/client-address';
import type { Exchange } from '../http/exchange';
import { negotiate } from '../http/negotiate';
import { createHeads, type HeadPart, writeReadyHead } from '../http/ready-head';
import { sendTooFast } from '../http/refusal-answer';
import { KEEP_PRIVATELY, SECURITY_HEADERS } from '../http/security-headers';
import { FileMemory, type SegmentFile, type SegmentFiles } from './segment-files';

/** Below this the second hop costs more than it saves. */
const MIN_BYTES = 200 * 1024;
/** The proxy asks again where a file is gone meanwhile, and says so. */
const REMEMBERED_MS = 1_000;
const MISSING = 'x-protected-vod-missing';

type SegmentResource = Extract<Resource, { kind: 'segment' }>;

export interface Accel {
  /** Smaller segments are always sent from here. */
  minBytes: number;
  /** Whether the answer goes to a reverse proxy that can send the file itself, and has not just missed it. */
  takes(request: IncomingMessage): boolean;
  /** As `send` does, at once and with the headers of `cors`, where the file was seen a moment ago and all of it is asked for. */
  sendKnown(exchange: Exchange, resource: SegmentResource, cors: HeadPart): boolean;
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
  const files = new FileMemory(packager, REMEMBERED_MS);

  /** What lies in the cache is in the clear: a session whose segments are encrypted is told of no file. */
  const mayBeFile = ({ session }: Exchange): boolean => session.hlsEncryption === null;

  const headersOf = ({ fileName, mime, etag }: SegmentFile) => ({
    'content-type': mime,
    etag,
    'cache-control': KEEP_PRIVATELY,
    'content-length': '0',
    'x-accel-redirect': prefix + fileName,
  });

  const headOf = createHeads((file: SegmentFile) => ({ ...headersOf(file), ...SECURITY_HEADERS }));

  function claim(
    { session }: Exchange,
    { track }: SegmentResource,
    { durationSeconds }: SegmentFile,
    part = 1,
  ): number {
    return session.claimMedia(mediaKindOf(track), durationSeconds * part);
  }

  function sendKnown(exchange: Exchange, resource: SegmentResource, cors: HeadPart): boolean {
    const { session, response } = exchange;
    if (!mayBeFile(exchange)) return false;
    const file = files.known({ asset: session.asset, track: resource.track, number: resource.number });
    if (file === undefined || file.sizeBytes < MIN_BYTES || claim(exchange, resource, file) > 0) return false;
    session.countBytes(file.sizeBytes);
    writeReadyHead(response, headOf(file), cors);
    response.end();
    return true;
  }

  async function send(exchange: Exchange, resource: SegmentResource): Promise<boolean> {
    const { session, response } = exchange;
    if (!mayBeFile(exchange)) return false;
    const file = await files.find({ asset: session.asset, track: resource.track, number: resource.number });
    if (file === null || file.sizeBytes < MIN_BYTES) return false;
    // Cutting takes time; the session may have ended meanwhile, and then the connection is about to be cut.
    if (!session.mayContinue()) return true;
    const { mime, etag, sizeBytes } = file;
    const { status, headers, extent } = negotiate(exchange, { mime, etag, sizeBytes, cacheControl: KEEP_PRIVATELY });
    if (extent === null) {
      response.writeHead(status, headers).end();
      return true;
    }
    const waitMs = claim(exchange, resource, file, extent.length / sizeBytes);
    if (waitMs > 0) {
      sendTooFast(response, waitMs);
      return true;
    }
    session.countBytes(extent.length);
    response.writeHead(200, headersOf(file)).end();
    return true;
  }

  const takes = ({ socket, headers }: IncomingMessage): boolean =>
    headers[MISSING] === undefined && isProxied(socket.remoteAddress, headers);

  return { minBytes: MIN_BYTES, takes, sendKnown, send };
}
