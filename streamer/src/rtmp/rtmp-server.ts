import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import tls from 'node:tls';
import type { RtmpSettings } from '../../../server/contracts';
import { normaliseAddress } from '../access/client';
import { parseTrusted } from '../access/client-address';
import type { ConnectionLimit } from '../access/connection-limit';
import { StreamError } from '../errors';
import { cutConnection } from '../http/cut-connection';
import { checkNms, createNmsListener } from './nms';
import { readProxyHeader } from './proxy-header';
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
  /** Whose PROXY header is believed, where `settings` ask for one. */
  trustedProxies: readonly string[];
  mayConnect: ConnectionLimit;
}

/** A TCP connection that was let in. */
interface Guest {
  raw: Socket;
  /** The viewer's. */
  address: string;
  /** The viewer no longer counts as waiting. */
  admitted: () => void;
}

/** S21: a token in plain RTMP can be read by everybody on the way. */
function checkExposure({ host, port, allowPlaintext }: RtmpSettings): void {
  if (port === null || allowPlaintext || LOOPBACK.test(host)) return;
  throw new StreamError(
    'settings-invalid',
    `Plain RTMP on ${host} would send tokens unencrypted. Serve RTMPS and set the plain port to none, keep plain RTMP on 127.0.0.1, or permit it with allowPlaintext (PROTECTED_VOD_RTMP_ALLOW_PLAINTEXT).`,
  );
}

/** Finds out whose connection it is, and does not tell where that cannot be known. */
function createArrival({ settings, trustedProxies }: RtmpServerParts) {
  if (settings.proxyProtocol === true && trustedProxies.length === 0) {
    const how = 'Set trustedProxies (PROTECTED_VOD_TRUSTED_PROXIES) to the addresses of the proxies that send it.';
    throw new StreamError('settings-invalid', `The PROXY protocol of RTMP is believed of nobody. ${how}`);
  }
  const isProxy = parseTrusted(settings.proxyProtocol === true ? trustedProxies : []);
  return (socket: Socket, tell: (address: string) => void): void => {
    const peer = normaliseAddress(socket.remoteAddress ?? '');
    if (peer === null) socket.destroy();
    else if (isProxy(peer)) readProxyHeader(socket, (address) => tell(address ?? peer));
    else tell(peer);
  };
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
 * unusable TLS files or proxies, `nms-unexpected` when node-media-server is another than expected.
 */
export function createRtmpServer(parts: RtmpServerParts): RtmpServer {
  const { settings, mayConnect } = parts;
  checkExposure(settings);
  checkNms();
  const waiting = new WaitingRoom();
  const open = new Set<Socket>();
  const plain = settings.port === null ? null : createNmsListener(settings.host, settings.port);
  const secure = settings.tls === undefined ? null : createTlsServer(settings.tls);
  /** Not TLS's own listener: a PROXY header comes before TLS begins. */
  const secureFront = secure && createServer();
  const servers = [plain?.server, secureFront].filter((server) => server !== undefined && server !== null);
  const whenArrived = createArrival(parts);

  /** Counts a TCP connection in; `welcome` is not called where it was turned away. */
  function accept(raw: Socket, welcome: (guest: Guest) => void): void {
    if (!mayConnect(raw)) {
      raw.destroy();
      return;
    }
    open.add(raw);
    raw.once('close', () => open.delete(raw));
    whenArrived(raw, (address) => {
      const admitted = waiting.enter(address);
      if (admitted === null) {
        raw.destroy();
        return;
      }
      raw.once('close', admitted);
      welcome({ raw, address, admitted });
    });
  }

  function serve(socket: Socket, { raw, address, admitted }: Guest): void {
    new VodConnection({ socket, address, reset: () => cutConnection(socket, raw), admitted }, parts);
  }

  plain?.server.on('connection', (raw) => accept(raw, (guest) => serve(raw, guest)));

  const handshaking = new Map<string, Guest>();
  secureFront?.on('connection', (raw: Socket) =>
    accept(raw, (guest) => {
      const peer = peerOf(raw);
      handshaking.set(peer, guest);
      raw.once('close', () => handshaking.delete(peer));
      secure?.emit('connection', raw);
    }),
  );
  secure?.on('secureConnection', (socket) => {
    const guest = handshaking.get(peerOf(socket));
    if (guest === undefined) socket.destroy();
    else serve(socket, guest);
  });

  return {
    async listen() {
      const place = (port: number) => `${settings.host}:${port}`;
      const rtmpPort = plain && (await whenListening(plain.server, place(settings.port ?? 0), plain.listen));
      const tlsPort = settings.tls?.port ?? 0;
      const listenSecure = (onError: (cause: Error) => void) =>
        secureFront?.on('error', onError).listen(tlsPort, settings.host);
      const rtmpsPort = secureFront && (await whenListening(secureFront, place(tlsPort), listenSecure));
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
