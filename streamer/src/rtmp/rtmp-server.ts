import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { RtmpSettings } from '../../../server/contracts';
import { StreamError } from '../errors';
import { cutConnection } from '../http/cut-connection';
import { createEntrance, type Entrance, type EntranceParts, type Guest } from './entrance';
import { checkNms, createNmsListener } from './nms';
import { createTlsServer } from './rtmps-server';
import { VodConnection, type VodParts } from './vod-connection';

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

export interface RtmpServer {
  /** Resolves with the ports; null: not served. Throws StreamError `listen-failed`. */
  listen(): Promise<{ rtmpPort: number | null; rtmpsPort: number | null }>;
  /** Stops accepting, lets viewers watch on for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

export interface RtmpServerParts extends VodParts, EntranceParts {}

/** S21: a token in plain RTMP can be read by everybody on the way. */
function checkExposure({ host, port, allowPlaintext }: RtmpSettings): void {
  if (port === null || allowPlaintext || LOOPBACK.test(host)) return;
  throw new StreamError(
    'settings-invalid',
    `Plain RTMP on ${host} would send tokens unencrypted. Serve RTMPS and set the plain port to none, keep plain RTMP on 127.0.0.1, or permit it with allowPlaintext (PROTECTED_VOD_RTMP_ALLOW_PLAINTEXT).`,
  );
}

function whenListening(server: Server, place: string, listen: (onError: (cause: Error) => void) => void) {
  return new Promise<number>((resolve, reject) => {
    server.once('listening', () => resolve((server.address() as AddressInfo).port));
    // After the start too: an error of one accept must not end the process.
    listen((cause) => reject(new StreamError('listen-failed', `Cannot listen on ${place} for RTMP.`, { cause })));
  });
}

/** Both ends of a connection name it. */
function peerOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** Not TLS's own listener: a PROXY header comes before TLS begins. */
function createSecureFront(secure: Server, entrance: Entrance, serve: (socket: Socket, guest: Guest) => void): Server {
  const handshaking = new Map<string, Guest>();
  secure.on('secureConnection', (socket: Socket) => {
    const guest = handshaking.get(peerOf(socket));
    if (guest === undefined) socket.destroy();
    else serve(socket, guest);
  });
  return createServer((raw) =>
    entrance.accept(raw, (guest) => {
      const peer = peerOf(raw);
      handshaking.set(peer, guest);
      raw.once('close', () => handshaking.delete(peer));
      secure.emit('connection', raw);
    }),
  );
}

/**
 * RTMP and RTMPS as `settings` say. Throws StreamError `settings-invalid` for plain RTMP where tokens could be read and for
 * unusable TLS files or proxies, `nms-unexpected` when node-media-server is another than expected.
 */
export function createRtmpServer(parts: RtmpServerParts): RtmpServer {
  const { host, port, tls } = parts.settings;
  checkExposure(parts.settings);
  checkNms();
  const entrance = createEntrance(parts);
  const serve = (socket: Socket, { raw, address, admitted }: Guest): void => {
    new VodConnection({ socket, address, reset: () => cutConnection(socket, raw), admitted }, parts);
  };
  const plain = port === null ? null : createNmsListener(host, port);
  plain?.server.on('connection', (raw) => entrance.accept(raw, (guest) => serve(raw, guest)));
  const secure = tls === undefined ? null : createSecureFront(createTlsServer(tls), entrance, serve);

  return {
    async listen() {
      const place = (wanted: number | null = 0) => `${host}:${wanted}`;
      const listenSecure = (onError: (cause: Error) => void) => secure?.on('error', onError).listen(tls?.port, host);
      const rtmpPort = plain && (await whenListening(plain.server, place(port), plain.listen));
      const rtmpsPort = secure && (await whenListening(secure, place(tls?.port), listenSecure));
      return { rtmpPort, rtmpsPort };
    },
    async close(graceMs) {
      const timer = setTimeout(() => entrance.cutAll(), graceMs);
      const servers = [plain?.server, secure].filter((server) => server !== undefined && server !== null);
      await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
      clearTimeout(timer);
    },
  };
}
