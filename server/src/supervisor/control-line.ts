import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import {
  createJsonLines,
  MAX_CONTROL_LINE,
  type PluginControl,
  type StreamerControl,
  streamerControlSchema,
} from '../../contracts';
import type { ControlKey } from './control-key';

const HANDSHAKE_MS = 5_000;
const ABSENT = new Set(['ENOENT', 'ECONNREFUSED']);

/** An open, proved connection to a streamer. */
export interface ControlLine {
  /** What the proxy shows this streamer; known to both ends and never sent here. */
  readonly edgeProof: string;
  send(message: PluginControl): void;
  close(): void;
}

export interface ControlEvents {
  message(message: StreamerControl): void;
  /** Called once. */
  closed(): void;
}

export type Found =
  | { kind: 'streamer'; line: ControlLine }
  /** Nobody listens, or who did has just gone. */
  | { kind: 'absent' }
  /** Somebody listens who does not hold the key: it is not adopted, and has learnt nothing (S4). */
  | { kind: 'stranger' };

interface Greeting {
  challenge: string | null;
  readonly nonce: string;
}

/** Whether the handshake is over. Throws on anything but the next step of it. */
function greet(greeting: Greeting, message: StreamerControl, key: ControlKey, send: ControlLine['send']): boolean {
  if (message.type === 'challenge' && greeting.challenge === null) {
    greeting.challenge = message.nonce;
    const nonces = { streamer: message.nonce, plugin: greeting.nonce };
    send({ type: 'hello', nonce: greeting.nonce, proof: key.sign('plugin', nonces) });
    return false;
  }
  if (message.type !== 'welcome' || greeting.challenge === null) throw new Error('not the handshake');
  const nonces = { streamer: greeting.challenge, plugin: greeting.nonce };
  if (!key.verify('streamer', nonces, message.proof)) throw new Error('not the streamer');
  return true;
}

function lineOver(socket: Socket, key: ControlKey, events: ControlEvents): Promise<Found> {
  const send = (message: PluginControl): void => {
    if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
  };
  const greeting: Greeting = { challenge: null, nonce: randomBytes(32).toString('base64url') };
  const lines = createJsonLines(MAX_CONTROL_LINE * 2);
  let line: ControlLine | null = null;
  return new Promise((resolve) => {
    const refuse = (): void => {
      resolve({ kind: 'stranger' });
      socket.destroy();
    };
    const timer = setTimeout(refuse, HANDSHAKE_MS);
    const take = (value: unknown): void => {
      const message = streamerControlSchema.parse(value);
      if (line !== null) {
        events.message(message);
        return;
      }
      if (!greet(greeting, message, key, send)) return;
      clearTimeout(timer);
      const nonces = { streamer: greeting.challenge ?? '', plugin: greeting.nonce };
      line = { edgeProof: key.sign('edge', nonces), send, close: () => socket.destroy() };
      resolve({ kind: 'streamer', line });
    };
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      try {
        for (const value of lines.read(chunk)) take(value);
      } catch {
        refuse();
      }
    });
    socket.once('close', () => {
      clearTimeout(timer);
      if (line === null) resolve({ kind: 'absent' });
      else events.closed();
    });
  });
}

/**
 * Looks for a streamer at `path` and proves to each other that both hold the key, over fresh nonces of both (S4). Never
 * rejects. `events` are called only for a streamer that was found.
 */
export function connectControl(path: string, key: ControlKey, events: ControlEvents): Promise<Found> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(lineOver(socket, key, events)));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      socket.destroy();
      resolve({ kind: ABSENT.has(error.code ?? '') ? 'absent' : 'stranger' });
    });
  });
}
