/// <reference path="./nms-modules.d.ts" />
import { type Server, Socket } from 'node:net';
import NodeMediaServer from 'node-media-server';
import Context from 'node-media-server/src/core/context.js';
import logger from 'node-media-server/src/core/logger.js';
import Amf from 'node-media-server/src/protocol/amf.js';
import Flv from 'node-media-server/src/protocol/flv.js';
import Rtmp from 'node-media-server/src/protocol/rtmp.js';
import RtmpSession from 'node-media-server/src/session/rtmp_session.js';
import { StreamError } from '../errors';

// The only file that knows node-media-server. It is used below its public surface, hence the exact pin and `checkNms`.

export { Amf, Context, Rtmp, RtmpSession };

/** Tag and message types that FLV and RTMP share (Adobe FLV v10.1 §E.4.1, RTMP 1.0 §7.1). */
export const AUDIO = 8;
export const VIDEO = 9;
export const DATA = 18;

/** One tag of an FLV file, or one RTMP message: the same body under two headers. */
export interface FlvMessage {
  type: typeof AUDIO | typeof VIDEO | typeof DATA;
  timestampMs: number;
  /** Never empty: node-media-server writes an empty message one byte too short. */
  body: Buffer;
}

const RTMP_METHODS = [
  'parserData',
  'chunkMessageHeaderRead',
  'packetAlloc',
  'controlHandler',
  'eventHandler',
  'invokeHandler',
  'dataHandler',
  'onConnect',
  'respondCreateStream',
  'sendInvokeMessage',
  'sendStatusMessage',
  'sendStreamStatus',
  'sendRtmpSampleAccess',
] as const;
const SESSION_FIELDS = [
  'run',
  'onConnect',
  'onPlay',
  'onPush',
  'onPacket',
  'onOutput',
  'onData',
  'onClose',
  'onError',
  'sendBuffer',
] as const;

// Its messages carry stream names and queries, which is where tokens are (S21).
logger.log = () => undefined;

function missingMembers(): string[] {
  const session = new RtmpSession(new Socket());
  const checks: Record<string, boolean> = {
    'Context.sessions': Context.sessions instanceof Map,
    'Context.broadcasts': Context.broadcasts instanceof Map,
    'Rtmp.createMessage': typeof Rtmp.createMessage === 'function',
    'Flv.createHeader': typeof Flv.createHeader === 'function',
    'Flv.createMessage': typeof Flv.createMessage === 'function',
    'Flv.parserTag': typeof Flv.parserTag === 'function',
    'Amf.amf0Encode': typeof Amf.amf0Encode === 'function',
    'Amf.amf0DecodeOne': typeof Amf.amf0DecodeOne === 'function',
    'Rtmp.inPackets': session.rtmp.inPackets instanceof Map,
    'Rtmp.parserPacket.bytes': typeof session.rtmp.parserPacket.bytes === 'number',
    'Rtmp.inChunkSize': typeof session.rtmp.inChunkSize === 'number',
  };
  for (const name of RTMP_METHODS) checks[`Rtmp.${name}`] = typeof Rtmp.prototype[name] === 'function';
  // Own fields: an override on a subclass's prototype would be hidden by them, and the guard with it.
  for (const name of SESSION_FIELDS) checks[`RtmpSession.${name}`] = Object.hasOwn(session, name);
  return Object.keys(checks).filter((name) => checks[name] !== true);
}

/** Throws StreamError `nms-unexpected` when a member that the guard replaces or calls is not where it was. */
export function checkNms(findMissing = missingMembers): void {
  const missing = findMissing();
  if (missing.length === 0) return;
  throw new StreamError(
    'nms-unexpected',
    `node-media-server is not the version this streamer is made for; it lacks ${missing.join(', ')}.`,
  );
}

/**
 * The RTMP listener of node-media-server without anything of its behaviour: its connection handler, which serves whoever
 * comes, and its error handler, which exits the process, are taken off. `listen` starts it; errors go to `onError`.
 */
export interface NmsListener {
  server: Server;
  listen(onError: (error: Error) => void): void;
}

export function createNmsListener(host: string, port: number): NmsListener {
  // Without a port it makes no server at all, so the one that may be 0 is filled in afterwards.
  const rtmp = { port: 1 };
  const nms = new NodeMediaServer({ bind: host, rtmp, webadmin: { enable: false } });
  rtmp.port = port;
  const { rtmpServer } = nms;
  const server = rtmpServer.tcpServer;
  if (server === undefined) throw new StreamError('nms-unexpected', 'node-media-server made no RTMP listener.');
  server.removeAllListeners('connection');
  return {
    server,
    listen(onError) {
      rtmpServer.run();
      server.removeAllListeners('error');
      server.on('error', onError);
    },
  };
}

export function flvFileHeader(has: { audio: boolean; video: boolean }): Buffer {
  return Flv.createHeader(has.audio, has.video);
}

export function muxFlvTag({ type, timestampMs, body }: FlvMessage): Buffer {
  return Flv.createMessage(Flv.parserTag(type, timestampMs, body.length, body));
}

/** node-media-server writes 0 where strict clients expect the stream they asked to play (RTMP 1.0 §5.3.1.2.1). */
const STREAM_ID_AT = 8;

export function muxRtmpMessage({ type, timestampMs, body }: FlvMessage, streamId: number): Buffer {
  const chunks = Rtmp.createMessage(Flv.parserTag(type, timestampMs, body.length, body));
  chunks.writeUInt32LE(streamId, STREAM_ID_AT);
  return chunks;
}

/** AMF 0 values one after another, as data messages and script tags hold them. */
export function encodeAmf(values: unknown[]): Buffer {
  return Amf.amf0Encode(values);
}
