import { randomUUID } from 'node:crypto';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { describeClient } from '../access/client';
import type { ClientAddressReader } from '../access/client-address';
import type { Gate, PlaybackSession } from '../access/gate';
import { codeOf, describeCause } from '../errors';
import type { Cors } from '../http/cors';
import { cutConnection } from '../http/cut-connection';
import { isAbsent } from '../http/delivery';
import { sendRefusal, sendStatus } from '../http/refusal-answer';
import { routeOf } from '../http/router';
import { SECURITY_HEADERS } from '../http/security-headers';
import type { UpgradeListener } from '../http/server';
import { type Logger, sessionName } from '../logger';
import { type FilmStream, openFilmStream } from './film-stream';
import { type FlvAnswerParts, startMsOf } from './flv-answer';
import { type FlvMessage, flvFileHeader, muxFlvTag } from './nms';
import { Pump } from './pump';

export interface FlvSocketParts extends FlvAnswerParts {
  gate: Gate;
  cors: Cors;
  addressOf: ClientAddressReader;
  logger: Logger;
}

/** A viewer has nothing to say; this is room for a close frame and its reason. */
const MAX_CLIENT_FRAME_BYTES = 4096;
const UNSUPPORTED_DATA = 1003;
const NORMAL_CLOSURE = 1000;

/** One upgrade on its way: what it asked for and what came of it. */
interface Upgrade {
  request: IncomingMessage;
  socket: Socket;
  head: Buffer;
  status: number;
  sessionHash?: string | undefined;
  reason?: string | undefined;
}

function outletOf(socket: WebSocket, drained: () => void) {
  return {
    queuedBytes: () => socket.bufferedAmount,
    send(messages: FlvMessage[]): number {
      const bytes = Buffer.concat(messages.map(muxFlvTag));
      socket.send(bytes, drained);
      return bytes.length;
    },
  };
}

/** WS-FLV: the address of HTTP-FLV over a WebSocket (RFC 6455), admitted in place because no client follows a redirect there. */
export function createFlvSocket(parts: FlvSocketParts): UpgradeListener {
  const { gate, packager, cors, addressOf, logger, observer, clock } = parts;
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_CLIENT_FRAME_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  });

  /** An HTTP answer in place of an upgrade, headers and body as any other request would get them. */
  function answer(upgrade: Upgrade, send: (response: ServerResponse) => void): void {
    const { request, socket } = upgrade;
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    const headers = { ...SECURITY_HEADERS, ...cors.headers(request.headers.origin) };
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    // Not `end`: nobody reads from it any more, so that the other side's end would never be seen.
    response.once('finish', () => socket.destroySoon());
    send(response);
    upgrade.status = response.statusCode;
  }

  /** A page of another origin opens WebSockets without asking; native players send no origin. */
  function isAllowedOrigin({ headers: { origin } }: IncomingMessage): boolean {
    return origin === undefined || cors.headers(origin)['access-control-allow-origin'] !== undefined;
  }

  async function admit(upgrade: Upgrade): Promise<PlaybackSession | null> {
    const { request, socket } = upgrade;
    const route = routeOf(request.method, request.url);
    if (route.kind !== 'delivery') {
      answer(upgrade, (response) => sendStatus(response, 404));
      return null;
    }
    // RFC 6455 §4.1 knows GET only, and S11 lets nothing else redeem.
    if (route.method !== 'GET') {
      answer(upgrade, (response) => sendStatus(response, 405, { allow: 'GET, HEAD, OPTIONS' }));
      return null;
    }
    if (!isAllowedOrigin(request)) {
      upgrade.reason = 'origin-not-allowed';
      answer(upgrade, (response) => sendStatus(response, 403));
      return null;
    }
    const address = addressOf(socket.remoteAddress, request.headers);
    const client = address === null ? null : describeClient(address, request.headers['user-agent']);
    const { credential } = route.url;
    const resource = route.url.resource?.kind === 'flv' ? ({ kind: 'flv', transport: 'ws' } as const) : null;
    const admission = await gate.admit({ method: 'GET', credential, resource, client, inPlace: true });
    upgrade.sessionHash = admission.kind === 'admitted' ? admission.session.sessionHash : admission.sessionHash;
    if (admission.kind === 'admitted') return admission.session;
    if (admission.kind === 'redirect') throw new Error('an admission in place was redirected');
    upgrade.reason = admission.reason;
    answer(upgrade, (response) => sendRefusal(response, admission));
    return null;
  }

  function play(upgrade: Upgrade, socket: WebSocket, session: PlaybackSession, stream: FilmStream): void {
    const pump = new Pump({
      stream,
      session,
      clock,
      outlet: outletOf(socket, () => pump.rouse()),
      events: {
        ended: () => socket.close(NORMAL_CLOSURE),
        lapsed: () => socket.terminate(),
        stalled: () => socket.terminate(),
        failed: (error) => fail(upgrade, error),
      },
    });
    socket.on('error', () => undefined);
    socket.once('message', () => {
      pump.stop();
      socket.close(UNSUPPORTED_DATA);
    });
    socket.once('close', () => pump.stop());
    socket.send(flvFileHeader(stream.coding.has));
    pump.play(startMsOf(upgrade.request.url));
  }

  async function serve(upgrade: Upgrade): Promise<void> {
    const { request, socket, head } = upgrade;
    const session = await admit(upgrade);
    if (session === null) return;
    session.onEnd(() => cutConnection(socket));
    socket.once('close', () => session.release());
    const stream = socket.destroyed ? null : await openFilmStream(packager, session);
    if (socket.destroyed || !session.mayContinue()) {
      session.release();
      socket.destroy();
    } else if (stream === null) {
      answer(upgrade, (response) => sendStatus(response, 404));
    } else {
      upgrade.status = 101;
      webSockets.handleUpgrade(request, socket, head, (webSocket) => play(upgrade, webSocket, session, stream));
    }
  }

  function fail(upgrade: Upgrade, error: unknown): void {
    const code = codeOf(error) ?? 'unexpected';
    upgrade.reason = code;
    logger.error({ route: 'flv', code, message: describeCause(error) }, 'request failed');
    if (upgrade.status !== 0 || upgrade.socket.destroyed) upgrade.socket.destroy();
    else answer(upgrade, (response) => sendStatus(response, isAbsent(error) ? 404 : 500));
  }

  function logWhenClosed(upgrade: Upgrade): void {
    const { socket } = upgrade;
    const startedAt = performance.now();
    const bytesBefore = socket.bytesWritten;
    observer.streamOpened('ws-flv');
    socket.once('close', () => {
      const { sessionHash, status, reason } = upgrade;
      const bytes = socket.bytesWritten - bytesBefore;
      const ms = Math.round(performance.now() - startedAt);
      const session = sessionHash === undefined ? undefined : sessionName(sessionHash);
      observer.streamClosed('ws-flv', bytes);
      logger.info({ requestId: randomUUID(), route: 'flv', session, status, bytes, ms, reason }, 'response');
    });
  }

  return (request, socket, head) => {
    const upgrade: Upgrade = { request, socket, head, status: 0 };
    socket.on('error', () => undefined);
    logWhenClosed(upgrade);
    serve(upgrade)
      .catch((error: unknown) => fail(upgrade, error))
      .catch(() => socket.destroy());
  };
}
