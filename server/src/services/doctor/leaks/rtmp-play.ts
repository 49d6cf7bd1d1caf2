import { randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';

const TIMEOUT_MS = 5000;
/** What follows version and time in a handshake (RTMP 1.0 §5.2.3). */
const HANDSHAKE_BYTES = 1536;
const CHUNK_BYTES = 128;
const COMMAND = 20;
const STARTED = 'NetStream.Play.Start';
/** More than any refusal has. */
const MEDIA_BYTES = 16 * 1024;

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
};

/** AMF 0 §2: numbers, strings, null, and an object of strings. */
function amf(value: number | string | null | Record<string, string>): Buffer {
  if (value === null) return Buffer.from([5]);
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), text(value)]);
  if (typeof value === 'object') {
    const fields = Object.entries(value).flatMap(([name, field]) => [text(name), amf(field)]);
    return Buffer.concat([Buffer.from([3]), ...fields, Buffer.from([0, 0, 9])]);
  }
  const number = Buffer.alloc(9);
  number.writeDoubleBE(value, 1);
  return number;
}

/** One command as a message in chunks (RTMP 1.0 §5.3.1). */
function command(streamId: number, ...values: Parameters<typeof amf>[0][]): Buffer {
  const body = Buffer.concat(values.map(amf));
  const header = Buffer.alloc(12);
  header[0] = 3;
  header.writeUIntBE(body.length, 4, 3);
  header[7] = COMMAND;
  header.writeUInt32LE(streamId, 8);
  const pieces = [header, body.subarray(0, CHUNK_BYTES)];
  for (let at = CHUNK_BYTES; at < body.length; at += CHUNK_BYTES) {
    pieces.push(Buffer.from([0xc3]), body.subarray(at, at + CHUNK_BYTES));
  }
  return Buffer.concat(pieces);
}

function connect(url: URL): net.Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isTls = url.protocol === 'rtmps:';
  const port = Number(url.port) || (isTls ? 443 : 1935);
  // Whose certificate it is does not matter to somebody who looks for a hole.
  if (isTls)
    return tls.connect({ host, port, rejectUnauthorized: false, ...(net.isIP(host) === 0 && { servername: host }) });
  return net.connect({ host, port });
}

/**
 * Asks for `stream` (a name, with its query) of the app `vod`, as a player does. Resolves to whether it plays; what is
 * closed or stays silent does not. Rejects if nothing answers at `base` (`rtmp://host:port`).
 */
export function playsOverRtmp(base: string, stream: string): Promise<boolean> {
  const socket = connect(new URL(base));
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    let isGreeted = false;
    const settle = (plays: boolean) => {
      socket.destroy();
      resolve(plays);
    };
    const breakOff = (reason: Error) => {
      socket.destroy();
      // What has answered and ends there has refused.
      if (received.length > 0) resolve(false);
      else reject(reason);
    };
    socket.setTimeout(TIMEOUT_MS, () => breakOff(new Error('It does not answer.')));
    socket.once(base.startsWith('rtmps:') ? 'secureConnect' : 'connect', () => {
      socket.write(Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0]), randomBytes(HANDSHAKE_BYTES - 8)]));
    });
    socket.on('data', (piece: Buffer) => {
      received = Buffer.concat([received, piece]);
      if (!isGreeted && received.length > HANDSHAKE_BYTES) {
        isGreeted = true;
        socket.write(received.subarray(1, 1 + HANDSHAKE_BYTES));
        socket.write(command(0, 'connect', 1, { app: 'vod', tcUrl: `${base}/vod` }));
        socket.write(command(0, 'createStream', 2, null));
        socket.write(command(1, 'play', 0, null, stream));
      }
      if (received.includes(STARTED) || received.length > 2 * HANDSHAKE_BYTES + MEDIA_BYTES) settle(true);
    });
    socket.once('error', breakOff);
    socket.once('close', () => breakOff(new Error('It hung up without a word.')));
  });
}
