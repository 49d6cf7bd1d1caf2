/**
 * The members of node-media-server 4.4.3 that `nms.ts` uses; the package brings no types. What is declared as a property
 * is an instance field there and can only be replaced on the instance; what is declared as a method sits on the prototype.
 */
declare module 'node-media-server' {
  import type { Server } from 'node:net';

  export default class NodeMediaServer {
    constructor(config: unknown);
    readonly rtmpServer: { tcpServer?: Server; run(): void };
  }
}

declare module 'node-media-server/src/core/context.js' {
  const context: { sessions: Map<string, unknown>; broadcasts: Map<string, unknown> };
  export default context;
}

declare module 'node-media-server/src/core/logger.js' {
  const logger: { log: (message: string, level?: string) => void };
  export default logger;
}

declare module 'node-media-server/src/core/avpacket.js' {
  export default class AVPacket {
    codec_type: number;
    dts: number;
    size: number;
    data: Buffer;
  }
}

declare module 'node-media-server/src/protocol/flv.js' {
  import type AVPacket from 'node-media-server/src/core/avpacket.js';

  const Flv: {
    createHeader(hasAudio: boolean, hasVideo: boolean): Buffer;
    createMessage(packet: AVPacket): Buffer;
    parserTag(type: number, time: number, size: number, data: Buffer): AVPacket;
  };
  export default Flv;
}

declare module 'node-media-server/src/protocol/amf.js' {
  const amf: {
    amf0Encode(values: unknown[]): Buffer;
    amf0EncodeOne(value: unknown): Buffer;
    amf0DecodeOne(buffer: Buffer): { len: number; value: unknown };
  };
  export default amf;
}

declare module 'node-media-server/src/protocol/rtmp.js' {
  import type AVPacket from 'node-media-server/src/core/avpacket.js';

  interface IncomingPacket {
    header: { length: number; type: number; stream_id: number };
    payload: Buffer;
    /** Of the payload, read so far. */
    bytes: number;
  }

  export default class Rtmp {
    static createMessage(packet: AVPacket): Buffer;
    flv: unknown;
    handshakePayload: Buffer;
    inChunkSize: number;
    readonly inPackets: Map<number, IncomingPacket>;
    readonly parserPacket: IncomingPacket;
    parserData(data: Buffer): string | null;
    chunkMessageHeaderRead(): number;
    packetAlloc(): void;
    controlHandler(): void;
    eventHandler(): void;
    invokeHandler(): void;
    dataHandler(): void;
    onConnect(message: { transId: number; cmdObj: { app: string; tcUrl: string; objectEncoding: number } }): void;
    respondCreateStream(transactionId: number): void;
    sendInvokeMessage(streamId: number, message: Record<string, unknown>): void;
    sendStatusMessage(streamId: number, level: string, code: string, description: string): void;
    sendStreamStatus(event: number, streamId: number): void;
    sendRtmpSampleAccess(streamId: number): void;
  }
}

declare module 'node-media-server/src/session/rtmp_session.js' {
  import type { Socket } from 'node:net';
  import type Rtmp from 'node-media-server/src/protocol/rtmp.js';

  export default class RtmpSession {
    constructor(socket: Socket);
    readonly id: string;
    readonly socket: Socket;
    readonly rtmp: Rtmp;
    run: () => void;
    onConnect: (request: unknown) => void;
    onPlay: () => void;
    onPush: () => void;
    onPacket: (packet: unknown) => void;
    onOutput: (buffer: Buffer) => void;
    onData: (data: Buffer) => void;
    onClose: () => void;
    onError: (error: Error) => void;
    sendBuffer: (buffer: Buffer) => void;
  }
}
