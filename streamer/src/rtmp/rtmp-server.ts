import { readFileSync } from 'node:fs';
import type { AddressInfo, Server, Socket } from 'node:net';
import tls from 'node:tls';
import type { RtmpSettings } from '../../../server/contracts';
import { StreamError } from '../errors';
import { checkNms, createNmsListener } from './nms';
import { VodConnection, type VodParts } from './vod-connection';
import { WaitingRoom } from './waiting-room';

const TLS_HANDSHAKE_MS = 10_000;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

export interface RtmpServer {
  /** Resolves with the ports; null: not served. Throws StreamError `listen-failed`. */
  listen(): Promise<{ rtmpPort: number | null; rtmpsPort: number | null }>;
  /** Stops accepting, lets viewers watch on for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

export interface RtmpServerParts extends VodParts {
  settings: RtmpSettings;
  maxConnections: number;
}

/** S21: a token in plain RTMP can be read by everybody on the way. */
function checkExposure({ host, port, allowPlaintext }: RtmpSettings): void {
  if (port === null || allowPlaintext || LOOPBACK.test(host)) return;
  throw new StreamError(
    'settings-invalid',
    `Plain RTMP on ${host} would send tokens unencrypted. Serve RTMPS and set the plain port to none, keep plain RTMP on 127.0.0.1, or permit it with allowPlaintext (PROTECTED_VOD_RTMP_ALLOW_PLAINTEXT).`,
  );
}

function readPem(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new StreamError('settings-invalid', `The ${what} of RTMPS cannot be read.`, { cause });
  }
}

function createTlsServer({ keyFile, certificateFile }: NonNullable<RtmpSettings['tls']>): tls.Server {
  const key = readPem(keyFile, 'private key');
  const cert = readPem(certificateFile, 'certificate');
  try {
    return tls.createServer({ key, cert, handshakeTimeout: TLS_HANDSHAKE_MS });
  } catch (cause) {
    throw new StreamError('settings-invalid', 'Private key and certificate of RTMPS do not work together.', { cause });
  }
}

function whenListening(server: Server, place: string, listen: (onError: (cause: Error) => void) => void) {
  return new Promise<number>((resolve, reject) => {
    server.once('listening', () => resolve((server.address() as AddressInfo).port));
    // After the start too: an error of one accept must not end the process.
    listen((cause) => reject(new StreamError('listen-failed', `Cannot listen on ${place} for RTMP.`, { cause })));
  });
}

/** Both ends of a connection name it; one address and port are never in use twice. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/**
 * RTMP and RTMPS as `settings` say. Throws StreamError `settings-invalid` for plain RTMP where tokens could be read and for
 * unusable TLS files, `nms-unexpected` when node-media-server is another than expected.
 */
export function createRtmpServer(parts: RtmpServerParts): RtmpServer {
  const { settings, maxConnections } = parts;
  checkExposure(settings);
  checkNms();
  const waiting = new WaitingRoom();
  const open = new Set<Socket>();
  const plain = settings.port === null ? null : createNmsListener(settings.host, settings.port);
  const secure = settings.tls === undefined ? null : createTlsServer(settings.tls);
  const servers = [plain?.server, secure].filter((server) => server !== undefined && server !== null);

  /** Counts a TCP connection in; false: it was turned away. */
  function accept(socket: Socket): (() => void) | null {
    const leave = open.size < maxConnections ? waiting.enter(socket) : null;
    if (leave === null) {
      socket.destroy();
      return null;
    }
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      leave();
    });
    return leave;
  }

  function serve(socket: Socket, raw: Socket, admitted: () => void): void {
    new VodConnection({ socket, reset: () => resetConnection(socket, raw), admitted }, parts);
  }

  plain?.server.on('connection', (socket) => {
    const admitted = accept(socket);
    if (admitted !== null) serve(socket, socket, admitted);
  });

  const handshaking = new Map<string, { raw: Socket; admitted: () => void }>();
  secure?.on('connection', (raw: Socket) => {
    const admitted = accept(raw);
    if (admitted === null) return;
    const peer = peerOf(raw);
    handshaking.set(peer, { raw, admitted });
    raw.once('close', () => handshaking.delete(peer));
  });
  secure?.on('secureConnection', (socket) => {
    const found = handshaking.get(peerOf(socket));
    if (found === undefined) socket.destroy();
    else serve(socket, found.raw, found.admitted);
  });

  return {
    async listen() {
      const place = (port: number) => `${settings.host}:${port}`;
      const rtmpPort = plain && (await whenListening(plain.server, place(settings.port ?? 0), plain.listen));
      const tlsPort = settings.tls?.port ?? 0;
      const listenSecure = (onError: (cause: Error) => void) =>
        secure?.on('error', onError).listen(tlsPort, settings.host);
      const rtmpsPort = secure && (await whenListening(secure, place(tlsPort), listenSecure));
      return { rtmpPort, rtmpsPort };
    },
    async close(graceMs) {
      const timer = setTimeout(() => {
        for (const socket of open) socket.destroy();
      }, graceMs);
      const closing = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
      await Promise.all(closing);
      clearTimeout(timer);
    },
  };
}

/** A reset is for TCP; what TLS had still to send goes with it. */
function resetConnection(socket: Socket, raw: Socket): void {
  raw.resetAndDestroy();
  socket.destroy();
}
