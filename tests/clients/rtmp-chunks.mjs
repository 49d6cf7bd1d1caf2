/**
 * @typedef {{ type: number, streamId: number, timestampMs: number, body: Buffer }} Message
 * @typedef {{ timestampMs: number, delta: number, length: number, type: number, streamId: number, extended: boolean, parts: Buffer[], received: number }} ChunkStream
 */

/** RTMP 1.0 §5.3.1: one message on chunk stream 3, cut into chunks of 128. @param {Message} message */
export function writeMessage({ type, streamId, timestampMs, body }) {
  const header = Buffer.alloc(12);
  header[0] = 3;
  header.writeUIntBE(timestampMs, 1, 3);
  header.writeUIntBE(body.length, 4, 3);
  header[7] = type;
  header.writeUInt32LE(streamId, 8);
  const parts = [header, body.subarray(0, 128)];
  for (let at = 128; at < body.length; at += 128) parts.push(Buffer.from([0xc3]), body.subarray(at, at + 128));
  return Buffer.concat(parts);
}

const HEADER_BYTES = [11, 7, 3, 0];

/** Reads messages out of a byte stream; made from the specification, not from the server. */
export class ChunkReader {
  chunkSize = 128;
  #rest = Buffer.alloc(0);
  /** @type {Map<number, ChunkStream>} */
  #streams = new Map();

  /** @param {Buffer} data @returns {Message[]} */
  read(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    const messages = [];
    for (let chunk = this.#readChunk(); chunk !== null; chunk = this.#readChunk()) {
      if (chunk === 'incomplete message') continue;
      if (chunk.type === 1) this.chunkSize = chunk.body.readUInt32BE(0);
      messages.push(chunk);
    }
    return messages;
  }

  /** @returns {Message | 'incomplete message' | null} null: more bytes are needed */
  #readChunk() {
    const bytes = this.#rest;
    if (bytes.length < 1) return null;
    const format = (bytes[0] ?? 0) >> 6;
    const id = (bytes[0] ?? 0) & 0x3f;
    if (id < 2) throw new Error('chunk stream ids above 63 are not expected');
    let at = 1 + (HEADER_BYTES[format] ?? 0);
    if (bytes.length < at) return null;
    const stream = this.#streams.get(id) ?? {
      timestampMs: 0,
      delta: 0,
      length: 0,
      type: 0,
      streamId: 0,
      extended: false,
      parts: [],
      received: 0,
    };
    const isFirst = stream.received === 0;
    const next = { ...stream };
    let time = format < 3 ? bytes.readUIntBE(1, 3) : 0;
    if (format < 3) next.extended = time === 0xffffff;
    if (next.extended) {
      if (bytes.length < at + 4) return null;
      const extended = bytes.readUInt32BE(at);
      if (format < 3) time = extended;
      at += 4;
    }
    if (format < 2) {
      next.length = bytes.readUIntBE(4, 3);
      next.type = bytes[7] ?? 0;
    }
    if (format === 0) next.streamId = bytes.readUInt32LE(8);
    if (format < 3) next.delta = time;
    if (isFirst) next.timestampMs = format === 0 ? time : stream.timestampMs + next.delta;
    const size = Math.min(this.chunkSize, next.length - stream.received);
    if (bytes.length < at + size) return null;
    next.parts = [...stream.parts, Buffer.from(bytes.subarray(at, at + size))];
    next.received += size;
    this.#rest = bytes.subarray(at + size);
    this.#streams.set(id, next);
    if (next.received < next.length) return 'incomplete message';
    const { type, streamId, timestampMs } = next;
    const body = Buffer.concat(next.parts);
    this.#streams.set(id, { ...next, parts: [], received: 0 });
    return { type, streamId, timestampMs, body };
  }
}
