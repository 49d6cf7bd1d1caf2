import http from 'node:http';
import { type AddressInfo, Server as NetServer, Socket } from 'node:net';
import type { ConnectionLimit } from '../access/connection-limit';
import { StreamError } from '../errors';
import { ViewerRequest } from './viewer-request';

export type Listener = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** Takes over a connection whose request asked for a WebSocket, and answers it. */
export type UpgradeListener = (request: http.IncomingMessage, socket: Socket, head: Buffer) => void;

export interface BoundServer {
  /** Resolves with the port. Throws StreamError `listen-failed`. */
  listen(host: string, port: number): Promise<number>;
  /** Stops accepting, lets running responses finish for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** How long a connection may wait for its next request. */
export const KEEP_ALIVE_SECONDS = 30;

// T26: whoever dawdles over a request line loses the connection; whoever reads a film slowly does not.
const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: KEEP_ALIVE_SECONDS * 1000,
  connectionsCheckingInterval: 5_000,
};

/** What the parser refused gets a bare answer; nothing of it is echoed or logged. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/**
 * Pipelining (RFC 9112 §9.3.2) is not served, which clients must be ready for: Node never tells of the end of a response that
 * waits behind another when their connection goes, so that whatever was opened for it would stay open.
 */
function refuseAhead(response: http.ServerResponse): void {
  response.writeHead(503, { connection: 'close', 'content-length': 0 });
  response.end();
}

export interface ServerOptions {
  /** Absent: a request to upgrade is answered as if it did not ask for that. */
  onUpgrade?: UpgradeListener;
  /** Connections that it does not let in are closed as soon as they are made. */
  mayConnect?: ConnectionLimit;
}

export function createHttpServer(
  listener: Listener,
  { onUpgrade, mayConnect = () => true }: ServerOptions = {},
): BoundServer {
  let draining = false;
  /** Taken over, so that the server no longer knows them as its own. */
  const upgraded = new Set<Socket>();
  const sockets = new Set<Socket>();
  const latest = new WeakMap<Socket, http.ServerResponse>();

  /** Whether a connection asks on before its last answer has left. */
  function isAhead(socket: Socket): boolean {
    return latest.get(socket)?.writableFinished === false;
  }

  function serve(request: ViewerRequest, response: http.ServerResponse): void {
    latest.set(request.socket, response);
    if (draining || request.declinesUpgrade) response.setHeader('connection', 'close');
    listener(request, response);
  }

  const server = http.createServer({ ...LIMITS, IncomingMessage: ViewerRequest }, (request, response) => {
    // Node gives a response the socket when all before it have left, and to one that it will not serve none at all.
    if (response.socket !== null) {
      serve(request, response);
      return;
    }
    // The kernel may have sent all, and the client have asked on, before Node tells that the last answer is written.
    setImmediate(() => {
      if (response.socket === null) refuseAhead(response);
      else serve(request, response);
    });
  });
  server.on('connection', (socket: Socket) => {
    if (!mayConnect(socket)) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('clientError', refuseUnreadable);

  function takeOver(socket: Socket): void {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
  }

  if (onUpgrade !== undefined) {
    server.on('upgrade', (request, socket, head) => {
      if (!(socket instanceof Socket) || draining || isAhead(socket)) {
        socket.destroy();
        return;
      }
      takeOver(socket);
      onUpgrade(request, socket, head);
    });
  }

  function cutAll(): void {
    server.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
  }

  function listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const onError = (cause: Error): void => {
        reject(new StreamError('listen-failed', `Cannot listen on ${host}:${port}.`, { cause }));
      };
      server.once('error', onError);
      server.listen(port, host, () => {
        server.off('error', onError);
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  function closeWhenAnswered(socket: Socket): void {
    const response = latest.get(socket);
    if (response === undefined || response.writableFinished) socket.destroy();
    else response.once('finish', () => latest.get(socket) === response && socket.end());
  }

  function close(graceMs: number): Promise<void> {
    draining = true;
    return new Promise((resolve) => {
      const timer = setTimeout(cutAll, graceMs);
      // Not http.Server's own: that destroys connections whose answer was ended and has not left yet.
      // Also calls back with an error if the server never listened; then there is nothing to close.
      NetServer.prototype.close.call(server, () => {
        clearTimeout(timer);
        resolve();
      });
      for (const socket of sockets) if (!upgraded.has(socket)) closeWhenAnswered(socket);
    });
  }

  return { listen, close };
}
