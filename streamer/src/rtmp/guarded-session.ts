import type { Socket } from 'node:net';
import { Amf, Context, Rtmp, RtmpSession } from './nms';

/** A player's longest command is `play` with a token of 4096; nothing else of it is ever as long. */
const MAX_MESSAGE_BYTES = 16 * 1024;
const MAX_CHUNK_STREAMS = 16;
const MAX_STREAMS = 16;
/** RTMP 1.0 §5.4.1: a chunk size is 31 bits, and no message is longer than 24. */
const MAX_CHUNK_SIZE = 0xffffff;
/** Answers to a client that asks without reading; media has its own, lower mark. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
const RTMP_VERSION = 3;
const AMF3_COMMAND = 17;

export interface RtmpCommand {
  name: string;
  transactionId: number;
  /** What follows the transaction id; for most commands the first is null. Anything a stranger can encode. */
  values: unknown[];
  streamId: number;
}

/** Why a client is cut off without a word. */
export class ProtocolViolation extends Error {}

function decodeAll(payload: Buffer): unknown[] {
  const values: unknown[] = [];
  for (let at = 0; at < payload.length; ) {
    const { len, value } = Amf.amf0DecodeOne(payload.subarray(at));
    values.push(value);
    at += len;
  }
  return values;
}

/**
 * A connection of node-media-server that survives whatever a stranger sends: every failure of its parser, and everything
 * beyond the limits above, destroys the socket and nothing else. Its own way of serving is shut: `play` and `publish` reach
 * nobody but `onCommand`, and media from a client, which it would hand to all viewers, is a violation.
 */
export class GuardedSession extends RtmpSession {
  constructor(socket: Socket, onCommand: (command: RtmpCommand) => void) {
    super(socket);
    // A megabyte per connection that only publishers need.
    this.rtmp.flv = null;
    this.#guardParser();
    this.#shutOwnWays();
    this.rtmp.invokeHandler = () => onCommand(this.#readCommand());
    this.onOutput = (buffer) => {
      if (socket.writableLength > MAX_UNREAD_BYTES) throw new ProtocolViolation('answers are not read');
      socket.write(buffer);
    };
    this.onError = () => undefined;
    this.onClose = () => void Context.sessions.delete(this.id);
  }

  /** Starts reading. */
  open(): void {
    Context.sessions.set(this.id, this);
    this.run();
  }

  createStream(transactionId: number): void {
    this.#streams += 1;
    if (this.#streams > MAX_STREAMS) throw new ProtocolViolation('too many streams');
    this.rtmp.respondCreateStream(transactionId);
  }

  #streams = 0;

  #readCommand(): RtmpCommand {
    const { header, payload } = this.rtmp.parserPacket;
    // RTMP 1.0 §7.1.1: AMF 3 commands of players are AMF 0 behind one byte.
    const from = header.type === AMF3_COMMAND ? 1 : 0;
    const [name, transactionId, ...values] = decodeAll(payload.subarray(from, header.length));
    if (typeof name !== 'string') throw new ProtocolViolation('a command without a name');
    return {
      name,
      transactionId: typeof transactionId === 'number' ? transactionId : 0,
      values,
      streamId: header.stream_id,
    };
  }

  #guardParser(): void {
    const { rtmp, socket } = this;
    const parse = this.onData;
    let isFirst = true;
    this.onData = (data) => {
      try {
        if (isFirst && data[0] !== RTMP_VERSION) throw new ProtocolViolation('not RTMP');
        isFirst = false;
        parse(data);
      } catch {
        socket.destroy();
      }
    };
    rtmp.packetAlloc = () => {
      if (rtmp.parserPacket.header.length > MAX_MESSAGE_BYTES) throw new ProtocolViolation('message too long');
      if (rtmp.inPackets.size > MAX_CHUNK_STREAMS) throw new ProtocolViolation('too many chunk streams');
      Rtmp.prototype.packetAlloc.call(rtmp);
    };
    rtmp.chunkMessageHeaderRead = () => {
      const { bytes, header } = rtmp.parserPacket;
      const announced = header.length;
      const read = Rtmp.prototype.chunkMessageHeaderRead.call(rtmp);
      // Whoever reads on would take what is left in the buffer, or what is not there, for a part of the message.
      if (bytes > 0 && header.length !== announced) throw new ProtocolViolation('a message changes its length');
      return read;
    };
    rtmp.controlHandler = () => {
      if (rtmp.parserPacket.header.length < 4) throw new ProtocolViolation('control message too short');
      Rtmp.prototype.controlHandler.call(rtmp);
      if (rtmp.inChunkSize < 1 || rtmp.inChunkSize > MAX_CHUNK_SIZE) throw new ProtocolViolation('chunk size');
    };
  }

  #shutOwnWays(): void {
    const shut = (): never => {
      throw new ProtocolViolation('not for viewers');
    };
    this.rtmp.dataHandler = shut;
    this.onConnect = shut;
    this.onPlay = shut;
    this.onPush = shut;
    this.onPacket = shut;
  }
}
