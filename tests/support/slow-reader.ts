import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A viewer who has asked for much and takes little. */
export interface SlowReader {
  /** Bytes taken so far, the head included. */
  bytes(): number;
  /** Takes all that still comes, as fast as it comes, until the connection is closed; resolves to its bytes. */
  drain(): Promise<number>;
  leave(): void;
}

const SIP_BYTES = 64 * 1024;
const SIP_MS = 100;

async function sip(socket: Socket, isDraining: () => boolean, count: (bytes: number) => void): Promise<void> {
  while (!isDraining() && !socket.destroyed) {
    const chunk = (socket.read(Math.min(SIP_BYTES, socket.readableLength)) ?? null) as Buffer | null;
    if (chunk) count(chunk.byteLength);
    await delay(SIP_MS);
  }
}

/** GETs `url` from the address `from` and reads some 600 KB a second. */
export async function readSlowly(url: string, from: string, userAgent: string): Promise<SlowReader> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: from });
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nUser-Agent: ${userAgent}\r\n\r\n`);
  let bytes = 0;
  let draining = false;
  const count = (more: number) => {
    bytes += more;
  };
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const sipping = sip(socket, () => draining, count);
  return {
    bytes: () => bytes,
    leave: () => void socket.destroy(),
    async drain() {
      draining = true;
      await sipping;
      const before = bytes;
      socket.on('data', (chunk: Buffer) => count(chunk.byteLength));
      await closed;
      return bytes - before;
    },
  };
}
