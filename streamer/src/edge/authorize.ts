import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { mediaKindOf, parseDeliveryPath, type Resource, sessionIdSchema } from '../../../server/contracts';
import type { ClientAddressReader, ProxyCheck } from '../access/client-address';
import type { Admission, Gate, PlaybackSession } from '../access/gate';
import { type Refusal, refuse } from '../access/refusal';
import { createClientReader } from '../access/socket-client';
import type { RequestRecord } from '../http/access-log';
import { type Cors, createCorsHeads } from '../http/cors';
import { createHeads, PERMITTED, writeReadyHead } from '../http/ready-head';
import { sendRefusal, sendStatus } from '../http/refusal-answer';
import { NO_STORE } from '../http/security-headers';
import { FileMemory, type SegmentFile, type SegmentFiles, type WantedSegment } from './segment-files';

type SegmentResource = Extract<Resource, { kind: 'segment' }>;

/** The address that the viewer asked the proxy for, as it stood in the request line. */
const ORIGINAL_URI = 'x-original-uri';
/** A file that is gone meanwhile, the proxy fetches from the streamer. */
const REMEMBERED_MS = 5_000;
/** nginx prefers X-Accel-Expires to whatever its configuration says: a permission is never kept for longer. */
const FOR_A_SECOND = { 'cache-control': NO_STORE, 'x-accel-expires': '1' };

export interface EdgeQuestion {
  request: IncomingMessage;
  response: ServerResponse;
  record: RequestRecord;
  /** Sets what every answer carries; called for all but permissions. */
  dress(): void;
}

export interface EdgeAuthorizer {
  /**
   * Answers whether the viewer may have the segment at `X-Original-URI`: 204 with the name of its file, or the status that
   * the streamer would refuse it with; 404 also where there is no file that may be sent as it is. 404 to everybody but a trusted
   * proxy. Media seconds and bytes are counted as served. A permission is for the proxy, which reads it again for each segment: of
   * what every answer carries it has only what the proxy cannot tell by itself. Answers at once where nothing has to be waited for.
   */
  answer(question: EdgeQuestion): Promise<void> | undefined;
}

export interface EdgeParts {
  gate: Gate;
  packager: SegmentFiles;
  cors: Cors;
  addressOf: ClientAddressReader;
  isProxied: ProxyCheck;
}

interface Asked {
  sessionId: string;
  resource: SegmentResource;
}

interface Admitted {
  session: PlaybackSession;
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

function sendNo({ response, record, dress }: EdgeQuestion, refusal: Refusal): undefined {
  record.sessionHash ??= refusal.sessionHash;
  record.reason = refusal.reason;
  dress();
  response.setHeader('x-accel-expires', '0');
  sendRefusal(response, refusal);
}

export function createEdgeAuthorizer({ gate, packager, cors, addressOf, isProxied }: EdgeParts): EdgeAuthorizer {
  const clientOf = createClientReader(addressOf);
  const corsOf = createCorsHeads(cors);
  const files = new FileMemory(packager, REMEMBERED_MS);
  const headOf = createHeads(({ fileName, etag }: SegmentFile) => ({
    ...FOR_A_SECOND,
    'x-protected-vod-segment': fileName,
    etag,
  }));

  function permit(question: EdgeQuestion, { session, resource }: Admitted, file: SegmentFile): undefined {
    const waitMs = session.claimMedia(mediaKindOf(resource.track), file.durationSeconds);
    if (waitMs > 0) {
      const retryAfterSeconds = Math.ceil(waitMs / 1000);
      return sendNo(question, refuse(429, 'pace-exceeded', { sessionHash: session.sessionHash, retryAfterSeconds }));
    }
    session.countBytes(file.sizeBytes);
    const { request, response } = question;
    writeReadyHead(response, headOf(file), corsOf(request.headers.origin), PERMITTED);
    response.end();
  }

  async function seek(question: EdgeQuestion, admitted: Admitted, wanted: WantedSegment): Promise<void> {
    const { session } = admitted;
    const { sessionHash } = session;
    try {
      const file = await files.find(wanted);
      if (file === null) sendNo(question, refuse(404, 'resource-unknown', { sessionHash }));
      // Cutting takes time; the session may have ended meanwhile.
      else if (!session.mayContinue()) sendNo(question, refuse(403, 'session-ended', { sessionHash }));
      else permit(question, admitted, file);
    } finally {
      session.release();
    }
  }

  function answerAdmission(question: EdgeQuestion, resource: SegmentResource, admission: Admission) {
    if (admission.kind === 'refused') return sendNo(question, admission);
    if (admission.kind === 'redirect') return sendNo(question, refuse(403, 'method-cannot-redeem'));
    const { session } = admission;
    const { sessionHash, asset, hlsEncryption } = session;
    question.record.sessionHash = sessionHash;
    const wanted = { asset, track: resource.track, number: resource.number };
    // The file is in the clear. Nothing is looked up: the streamer itself sends the segment, or says that there is none.
    const file = hlsEncryption === null ? files.known(wanted) : null;
    if (file === undefined) return seek(question, { session, resource }, wanted);
    try {
      if (file === null) return sendNo(question, refuse(404, 'segments-encrypted', { sessionHash }));
      return permit(question, { session, resource }, file);
    } finally {
      session.release();
    }
  }

  function answer(question: EdgeQuestion): Promise<void> | undefined {
    const { request, response, dress } = question;
    const { socket, headers } = request;
    if (!isProxied(socket.remoteAddress, headers)) {
      dress();
      sendStatus(response, 404);
      return undefined;
    }
    const asked = readAsked(headers);
    if ('kind' in asked) return sendNo(question, asked);
    const { sessionId: credential, resource } = asked;
    const admission = gate.admit({ method: 'GET', credential, resource, client: clientOf(request) });
    if (!(admission instanceof Promise)) return answerAdmission(question, resource, admission);
    return admission.then((found) => answerAdmission(question, resource, found));
  }

  return { answer };
}
