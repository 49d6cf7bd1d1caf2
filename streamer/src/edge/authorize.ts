import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { mediaKindOf, parseDeliveryPath, type Resource, sessionIdSchema } from '../../../server/contracts';
import type { ClientAddressReader, ProxyCheck } from '../access/client-address';
import type { Gate, PlaybackSession } from '../access/gate';
import { type Refusal, refuse } from '../access/refusal';
import { createClientReader } from '../access/socket-client';
import type { RequestRecord } from '../http/access-log';
import { sendRefusal, sendStatus } from '../http/refusal-answer';
import { NO_STORE, SECURITY_HEADERS } from '../http/security-headers';
import { FileMemory, type SegmentFiles } from './segment-files';

type SegmentResource = Extract<Resource, { kind: 'segment' }>;

/** The address that the viewer asked the proxy for, as it stood in the request line. */
const ORIGINAL_URI = 'x-original-uri';
/** A file that is gone meanwhile, the proxy fetches from the streamer. */
const REMEMBERED_MS = 5_000;

export interface EdgeAuthorizer {
  /**
   * Answers whether the viewer may have the segment at `X-Original-URI`: 204 with the name of its file, or the status that
   * the streamer would refuse it with; 404 also where there is no file that may be sent as it is. 404 to everybody but a trusted proxy. Media seconds and bytes are counted as served.
   * A permission is for the proxy, which reads it again for each segment: of what every answer carries it has only what the
   * proxy cannot tell by itself.
   */
  answer(request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void>;
}

export interface EdgeParts {
  gate: Gate;
  packager: SegmentFiles;
  addressOf: ClientAddressReader;
  isProxied: ProxyCheck;
}

interface Permission {
  kind: 'permitted';
  fileName: string;
  etag: string;
}

interface Asked {
  sessionId: string;
  resource: SegmentResource;
}

/** Only a segment under a session id: a token is redeemed by the streamer alone, and nothing else is a file (S15). */
function readAsked(headers: IncomingHttpHeaders): Asked | Refusal {
  const uri = headers[ORIGINAL_URI];
  const url = typeof uri === 'string' ? parseDeliveryPath(uri.split('?', 1)[0] ?? '') : null;
  if (url === null || url.resource?.kind !== 'segment') return refuse(403, 'resource-unknown');
  if (url.credential === '') return refuse(401, 'credential-missing');
  const sessionId = sessionIdSchema.safeParse(url.credential);
  if (!sessionId.success) return refuse(403, 'method-cannot-redeem');
  return { sessionId: sessionId.data, resource: url.resource };
}

export function createEdgeAuthorizer({ gate, packager, addressOf, isProxied }: EdgeParts): EdgeAuthorizer {
  const clientOf = createClientReader(addressOf);
  const files = new FileMemory(packager, REMEMBERED_MS);

  async function permit(session: PlaybackSession, resource: SegmentResource): Promise<Refusal | Permission> {
    const { track, number } = resource;
    const more = { sessionHash: session.sessionHash };
    // The file is in the clear. Nothing is looked up: the streamer itself sends the segment, or says that there is none.
    if (session.hlsEncryption !== null) return refuse(404, 'segments-encrypted', more);
    const file = await files.find({ asset: session.asset, track, number });
    if (file === null) return refuse(404, 'resource-unknown', more);
    // Cutting takes time; the session may have ended meanwhile.
    if (!session.mayContinue()) return refuse(403, 'session-ended', more);
    const waitMs = session.claimMedia(mediaKindOf(track), file.durationSeconds);
    if (waitMs > 0) {
      return refuse(429, 'pace-exceeded', { ...more, retryAfterSeconds: Math.ceil(waitMs / 1000) });
    }
    session.countBytes(file.sizeBytes);
    return { kind: 'permitted', fileName: file.fileName, etag: file.etag };
  }

  async function decide(request: IncomingMessage, record: RequestRecord): Promise<Refusal | Permission> {
    const asked = readAsked(request.headers);
    if ('kind' in asked) return asked;
    const { sessionId: credential, resource } = asked;
    const admission = await gate.admit({ method: 'GET', credential, resource, client: clientOf(request) });
    if (admission.kind === 'refused') return admission;
    if (admission.kind === 'redirect') return refuse(403, 'method-cannot-redeem');
    record.sessionHash = admission.session.sessionHash;
    try {
      return await permit(admission.session, resource);
    } finally {
      admission.session.release();
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void> {
    if (!isProxied(request.socket.remoteAddress, request.headers)) {
      sendStatus(response, 404);
      return;
    }
    const decision = await decide(request, record);
    if (decision.kind === 'permitted') {
      const { fileName, etag } = decision;
      for (const name of [...Object.keys(SECURITY_HEADERS), 'connection']) response.removeHeader(name);
      response.sendDate = false;
      // nginx prefers X-Accel-Expires to whatever its configuration says: a permission is never kept for longer.
      const kept = { 'cache-control': NO_STORE, 'x-accel-expires': '1' };
      response.writeHead(204, { ...kept, 'x-protected-vod-segment': fileName, etag }).end();
      return;
    }
    record.sessionHash ??= decision.sessionHash;
    record.reason = decision.reason;
    response.setHeader('x-accel-expires', '0');
    sendRefusal(response, decision);
  }

  return { answer };
}
