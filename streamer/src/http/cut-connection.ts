import type { Socket } from 'node:net';

/**
 * S15: ends a connection with a reset, so that nothing left in its buffers is sent either. `raw`: the TCP connection below, where
 * `socket` is one of TLS. `close` is told of both.
 */
export function cutConnection(socket: Socket, raw: Socket = socket): void {
  // After shutdown(2) libuv refuses a reset, and Node then neither closes the connection nor tells of it.
  const isShutDown = [socket, raw].some(({ writableEnded, writableLength }) => writableEnded && writableLength === 0);
  if (!isShutDown) raw.resetAndDestroy();
  // At once: by itself the reset would wait until all is written.
  socket.destroy();
  raw.destroy();
}
