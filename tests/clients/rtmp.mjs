import { randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { decodeValues, encodeValues } from './amf0.mjs';
import { ChunkReader, writeMessage } from './rtmp-chunks.mjs';

/**
 * @typedef {import('./rtmp-chunks.mjs').Message} Message
 * @typedef {Message & { values?: any[] }} Received `values`: of commands and script data, decoded.
 * @typedef {{ host?: string, port: number, from?: string, tls?: import('node:tls').ConnectionOptions }} Place
 */

const HANDSHAKE_BYTES = 1536;
export const AUDIO = 8;
export const VIDEO = 9;
export const DATA = 18;
export const COMMAND = 20;

/** C0 and C1, which are all that a client may say before it was answered (RTMP 1.0 §5.2). */
export const greeting = () =>
  Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0]), randomBytes(HANDSHAKE_BYTES - 8)]);

/** @param {string} url `rtmp://host:port/vod/{documentId}?token={token}` */
export function readUrl(url) {
  const { hostname, port, pathname, search } = new URL(url);
  const [, app = '', name = ''] = pathname.split('/');
  return { host: hostname, port: Number(port), app, name: name + search };
}

/** A player without a picture: it says what it is told to say and keeps all it hears. */
export class RtmpClient {
  /** @type {Received[]} */
  messages = [];
  /** Whether the other side ended the connection in order. */
  ended = false;
  /** @type {Set<() => void>} */
  #waiting = new Set();
  #reader = new ChunkReader();
  #handshake = Buffer.alloc(0);
  #transaction = 0;
  #receivedBytes = 0;

  /** @param {net.Socket} socket connected */
  constructor(socket) {
    this.socket = socket;
    /** Resolves with the error code of an unorderly end, or undefined. @type {Promise<string | undefined>} */
    this.closed = new Promise((resolve) => {
      /** @type {string | undefined} */
      let code;
      socket.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
        code = error.code;
      });
      socket.once('close', () => {
        resolve(code);
        this.#tell();
      });
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('data', (data) => this.#read(data));
  }

  /** Connects and shakes hands. @param {Place} place @returns {Promise<RtmpClient>} */
  static async connect({ host = '127.0.0.1', port, from, tls: secure }) {
    const options = { host, port, ...(from !== undefined && { localAddress: from }) };
    const socket = secure === undefined ? net.connect(options) : tls.connect({ ...options, ...secure });
    await new Promise((resolve, reject) => {
      socket.once(secure === undefined ? 'connect' : 'secureConnect', resolve);
      socket.once('error', reject);
    });
    const client = new RtmpClient(socket);
    await client.shakeHands();
    return client;
  }

  /**
   * Connects, opens the application and asks to play; does not wait for an answer.
   * @param {string} url @param {{ startMs?: number, from?: string }} [options]
   */
  static async open(url, { startMs, from } = {}) {
    const { host, port, app, name } = readUrl(url);
    const client = await RtmpClient.connect({ host, port, ...(from !== undefined && { from }) });
    await client.openApp(app);
    const streamId = await client.createStream();
    client.play(streamId, name, startMs);
    return client;
  }

  async shakeHands() {
    this.socket.write(greeting());
    await this.until(() => this.#handshake.length >= 1 + 2 * HANDSHAKE_BYTES, 'the handshake');
    this.socket.write(this.#handshake.subarray(1, 1 + HANDSHAKE_BYTES));
  }

  /** @param {string} app @param {Record<string, unknown>} [more] */
  async openApp(app, more = {}) {
    const tcUrl = `rtmp://${this.socket.remoteAddress}:${this.socket.remotePort}/${app}`;
    return this.call(0, 'connect', { app, tcUrl, flashVer: 'TEST 1', objectEncoding: 0, ...more });
  }

  /** @returns {Promise<number>} */
  async createStream() {
    const [, , , streamId] = await this.call(0, 'createStream', null);
    return streamId;
  }

  /** @param {number} streamId @param {string} name @param {number} [startMs] */
  play(streamId, name, startMs = -2000) {
    this.streamId = streamId;
    this.say(streamId, 'play', null, name, startMs);
  }

  /** Without waiting for an answer. @param {number} streamId @param {string} name @param {unknown[]} values */
  say(streamId, name, ...values) {
    this.#transaction += 1;
    this.send({ type: COMMAND, streamId, timestampMs: 0, body: encodeValues(name, this.#transaction, ...values) });
    return this.#transaction;
  }

  /** Waits for `_result` and returns its values. @param {number} streamId @param {string} name @param {unknown[]} values @returns {Promise<any[]>} */
  async call(streamId, name, ...values) {
    const transaction = this.say(streamId, name, ...values);
    const answer = await this.until(
      () => this.messages.find(({ values: heard }) => heard?.[0] === '_result' && heard[1] === transaction),
      `the answer to ${name}`,
    );
    return answer.values ?? [];
  }

  /** @param {Message} message */
  send(message) {
    this.socket.write(writeMessage(message));
  }

  /** Status codes heard so far (`NetStream.Play.Start`, …), in order. @returns {string[]} */
  statuses() {
    return this.messages.filter(({ values }) => values?.[0] === 'onStatus').map(({ values }) => values?.[3].code);
  }

  /** @param {string} code @param {number} [times] */
  heard(code, times = 1) {
    return this.until(() => this.statuses().filter((status) => status === code).length >= times, code);
  }

  /** Coded pictures and sounds, without the configuration of their decoders. */
  media() {
    return this.messages.filter(({ type, body }) => (type === VIDEO || type === AUDIO) && !isConfiguration(type, body));
  }

  pictures() {
    return this.media().filter(({ type }) => type === VIDEO);
  }

  /** Of pictures and sounds, configuration included. */
  mediaBytes() {
    const media = this.messages.filter(({ type }) => type === VIDEO || type === AUDIO);
    return media.reduce((sum, { body }) => sum + body.length, 0);
  }

  get receivedBytes() {
    return this.#receivedBytes;
  }

  /**
   * Resolves once `find` finds something, asked anew whenever something arrives.
   * @template T @param {() => T | undefined | null | false} find @param {string} what @param {number} [timeoutMs] @returns {Promise<T>}
   */
  until(find, what, timeoutMs = 60_000) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => done(new Error(`${what} did not come`)), timeoutMs);
      const look = () => {
        const found = find();
        if (found) done(null, found);
        else if (this.socket.destroyed) done(new Error(`the connection was closed before ${what} came`));
      };
      /** @param {Error | null} error @param {T} [found] */
      const done = (error, found) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        if (error) reject(error);
        else resolve(/** @type {T} */ (found));
      };
      this.#waiting.add(look);
      look();
    });
  }

  close() {
    this.socket.destroy();
  }

  #tell() {
    for (const look of [...this.#waiting]) look();
  }

  /** @param {Buffer} data */
  #read(data) {
    this.#receivedBytes += data.length;
    const missing = Math.max(0, 1 + 2 * HANDSHAKE_BYTES - this.#handshake.length);
    this.#handshake = Buffer.concat([this.#handshake, data.subarray(0, missing)]);
    for (const message of this.#reader.read(data.subarray(missing))) {
      const isSpoken = message.type === COMMAND || message.type === DATA;
      this.messages.push(isSpoken ? { ...message, values: decodeValues(message.body) } : message);
    }
    this.#tell();
  }
}

/** AVC and AAC say it in their second byte, codecs behind a FourCC in the low bits of the first. @param {number} type @param {Buffer} body */
function isConfiguration(type, body) {
  const [first = 0, second = 0] = body;
  const isNamed = type === VIDEO ? first >= 0x80 : first >> 4 === 9;
  if (isNamed) return (first & 0x0f) === 0;
  const hasConfiguration = type === VIDEO ? (first & 0x0f) === 7 : first >> 4 === 10;
  return hasConfiguration && second === 0;
}
