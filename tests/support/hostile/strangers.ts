import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Mutant } from './mutations';

/** Enough to see that media came; whoever has it has been served. */
const ENOUGH_BYTES = 64 * 1024;
/** Without a byte from the other side: before its first, and after. */
const FIRST_MS = 1500;
const NEXT_MS = 400;
const DRIPS = 12;
const DRIP_MS = 12;

export interface Visit {
  port: number;
  /** Source address; another /24 of the loopback block is another client. */
  from: string;
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const parts = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
  return parts;
}

function partsOf({ pieces, manner }: Mutant): Buffer[] {
  const bytes = Buffer.concat(pieces);
  if (manner === 'at once') return [bytes];
  if (manner === 'in pieces') return pieces;
  return cut(bytes, Math.max(1, Math.ceil(bytes.length / DRIPS)));
}

async function say(socket: net.Socket, mutant: Mutant): Promise<void> {
  for (const part of partsOf(mutant)) {
    if (!socket.writable) return;
    socket.write(part);
    if (mutant.manner === 'dripping') await delay(DRIP_MS);
    // A turn of the event loop each, so that they arrive as packets of their own.
    if (mutant.manner === 'in pieces') await new Promise(setImmediate);
  }
  if (mutant.farewell === 'half-closes') socket.end();
  if (mutant.farewell === 'resets') socket.resetAndDestroy();
}

/** Says it all and stays until the other side has closed, has sent enough, or was waited for long enough. Never rejects. */
export function visit(mutant: Mutant, { port, from }: Visit): Promise<number> {
  return new Promise((resolve) => {
    let received = 0;
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true });
    socket.setTimeout(FIRST_MS, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received += chunk.length;
      socket.setTimeout(NEXT_MS);
      if (received >= ENOUGH_BYTES) socket.destroy();
    });
    socket.once('close', () => resolve(received));
    socket.once('connect', () => void say(socket, mutant));
  });
}

/** Says it all, says more when the other side has ended, and stays whatever comes. Resolves once the other side has ended. */
export function stay(pieces: Buffer[], { port, from }: Visit): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true });
    socket.once('error', reject);
    socket.on('data', () => undefined);
    socket.once('end', () => {
      socket.on('error', () => undefined);
      socket.write(Buffer.alloc(100));
      resolve(socket);
    });
    for (const piece of pieces) socket.write(piece);
  });
}
