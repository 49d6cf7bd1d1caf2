import type { Socket } from 'node:net';
import {
  type AttachMessage,
  createJsonLines,
  MAX_CONTROL_LINE,
  type PluginControl,
  pluginControlSchema,
  type StreamerControl,
} from '../../../server/contracts';
import { type ControlKey, newNonce } from './control-key';

/** A stranger that connects and stays silent is let go. */
const HANDSHAKE_MS = 5_000;
/** What a Strapi that does not read may leave unread; above it, nothing more is told to it. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** One Strapi process that has proved itself and attached. */
export interface Attachment {
  readonly plugin: AttachMessage;
  /** What its proxy shows with each request. Never on the wire of the control socket. */
  readonly edgeProof: string;
  /** Dropped when the other end does not read. */
  send(message: StreamerControl): void;
  /** Resolves when what was sent has left, or the other end has gone. */
  end(): Promise<void>;
}

export interface AttachmentEvents {
  attached(attachment: Attachment): void;
  detach(attachment: Attachment): void;
  stop(attachment: Attachment): void;
  /** The connection has gone. Called once, also after `detach`. */
  gone(attachment: Attachment): void;
}

function createAttachment(socket: Socket, plugin: AttachMessage, edgeProof: string): Attachment {
  return {
    plugin,
    edgeProof,
    send(message) {
      if (socket.writable && socket.writableLength < MAX_UNREAD_BYTES) socket.write(`${JSON.stringify(message)}\n`);
    },
    end: () =>
      new Promise((resolve) => {
        socket.once('close', () => resolve());
        if (socket.destroyed) resolve();
        else socket.end(() => resolve());
      }),
  };
}

/**
 * The streamer's side of one connection (S4): both prove that they hold the control key, over fresh nonces of both; the
 * stranger's mistake ends the connection without a word.
 */
export function serveControl(socket: Socket, key: ControlKey, events: AttachmentEvents): void {
  const challenge = newNonce();
  let edgeProof: string | null = null;
  let attachment: Attachment | null = null;

  function greet({ nonce, proof }: Extract<PluginControl, { type: 'hello' }>): void {
    const nonces = { streamer: challenge, plugin: nonce };
    // The plugin's nonce is its own, so our challenge sent back proves nothing, and neither does our own proof.
    if (edgeProof !== null || !key.verify('plugin', nonces, proof)) throw new Error('not the plugin');
    edgeProof = key.sign('edge', nonces);
    const welcome: StreamerControl = { type: 'welcome', proof: key.sign('streamer', nonces) };
    socket.write(`${JSON.stringify(welcome)}\n`);
  }

  function obey(message: PluginControl): void {
    if (message.type === 'hello') {
      greet(message);
      return;
    }
    if (edgeProof === null) throw new Error('not proved');
    if (message.type === 'attach') {
      if (attachment !== null) throw new Error('attached already');
      clearTimeout(timer);
      attachment = createAttachment(socket, message, edgeProof);
      events.attached(attachment);
    } else if (attachment !== null) events[message.type](attachment);
  }

  const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS);
  const lines = createJsonLines(MAX_CONTROL_LINE);
  const decoded = socket.setEncoding('utf8');
  decoded.on('data', (chunk: string) => {
    try {
      for (const value of lines.read(chunk)) obey(pluginControlSchema.parse(value));
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    clearTimeout(timer);
    if (attachment !== null) events.gone(attachment);
  });
  socket.write(`${JSON.stringify({ type: 'challenge', nonce: challenge } satisfies StreamerControl)}\n`);
}
