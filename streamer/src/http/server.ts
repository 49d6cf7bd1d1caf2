import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { StreamError } from '../errors';

export type Listener = (request: http.IncomingMessage, response: http.ServerResponse) => void;

export interface BoundServer {
  /** Resolves with the port. Throws StreamError `listen-failed`. */
  listen(host: string, port: number): Promise<number>;
  /** Stops accepting, lets running responses finish for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

// T26: whoever dawdles over a request line loses the connection; whoever reads a film slowly does not.
const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 30_000,
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

export function createHttpServer(listener: Listener): BoundServer {
  let draining = false;
  const server = http.createServer(LIMITS, (request, response) => {
    if (draining) response.setHeader('connection', 'close');
    listener(request, response);
  });
  server.on('clientError', refuseUnreadable);

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

  function close(graceMs: number): Promise<void> {
    draining = true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      // Also calls back with an error if the server never listened; then there is nothing to close.
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  return { listen, close };
}
