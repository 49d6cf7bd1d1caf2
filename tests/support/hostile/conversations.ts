import { randomBytes } from 'node:crypto';
import { encodeValues } from '../../clients/amf0.mjs';
import { COMMAND, greeting } from '../../clients/rtmp.mjs';
import { writeMessage } from '../../clients/rtmp-chunks.mjs';

export type Door = 'http' | 'rtmp';

/** What one client says, in the pieces in which it is put together; nothing that it hears changes it. */
export interface Conversation {
  name: string;
  door: Door;
  pieces: Buffer[];
}

const CHUNK_HEADER_BYTES = 12;
const AMF3_COMMAND = 17;
const SET_CHUNK_SIZE = 1;
const WINDOW_SIZE = 5;
const USER_CONTROL = 4;

const text = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');

/** One RTMP message as header and body. */
export function message(type: number, streamId: number, body: Buffer): Buffer[] {
  const bytes = writeMessage({ type, streamId, timestampMs: 0, body });
  return [bytes.subarray(0, CHUNK_HEADER_BYTES), bytes.subarray(CHUNK_HEADER_BYTES)];
}

export const command = (streamId: number, ...values: unknown[]): Buffer[] =>
  message(COMMAND, streamId, encodeValues(...values));

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** C0, C1 and C2 at once: the server does not need to be waited for. */
export const handshake = (): Buffer[] => [greeting(), randomBytes(1536)];

/** Up to where a player asks to play. */
export const arrival = (app = 'vod'): Buffer[] => [
  ...handshake(),
  ...message(WINDOW_SIZE, 0, uint32(2_500_000)),
  ...command(0, 'connect', 1, { app, flashVer: 'WIN 9,0,124,2', tcUrl: `rtmp://127.0.0.1/${app}`, objectEncoding: 0 }),
  ...command(0, 'createStream', 2, null),
];

const play = (name: string): Buffer[] => command(1, 'play', 3, null, name, -2000);

function rtmpConversations(credential: string): Conversation[] {
  const name = `video1?token=${credential}`;
  const seek = command(1, 'seek', 5, null, 6000);
  const byAmf3 = message(AMF3_COMMAND, 1, Buffer.concat([Buffer.from([0]), encodeValues('play', 3, null, name)]));
  const all: Record<string, Buffer[]> = {
    plays: [...arrival(), ...play(name)],
    'plays, pauses and seeks': [
      ...arrival(),
      ...message(USER_CONTROL, 0, Buffer.from('00030000000100000bb8', 'hex')),
      ...play(name),
      ...command(1, 'pause', 4, null, true, 0),
      ...seek,
      ...command(1, 'pause', 6, null, false, 0),
      ...command(0, 'deleteStream', 7, null, 1),
    ],
    'names the token with the application': [...arrival(`vod?token=${credential}`), ...play('mp4:video1.mp4')],
    'speaks AMF 3 in large chunks': [...arrival(), ...message(SET_CHUNK_SIZE, 0, uint32(4096)), ...byAmf3, ...seek],
    'asks for its length and leaves': [
      ...arrival(),
      ...command(0, 'getStreamLength', 3, null, name),
      ...play(name),
      ...command(1, 'closeStream', 0, null),
    ],
    publishes: [...arrival(), ...command(1, 'publish', 3, null, name, 'live')],
  };
  return Object.entries(all).map(([what, pieces]) => ({ name: `RTMP ${what}`, door: 'rtmp', pieces }));
}

const HTTP_TARGETS = [
  'hls/main.m3u8',
  'hls/source-v1/media.m3u8',
  'hls/source-v1/init.mp4',
  'hls/source-v1/1.m4s',
  'hls/source-a1/2.m4s',
  'dash/manifest.mpd',
  'dash/source-v1/1.m4s',
  'mp4',
  'download',
  'live.flv',
  'live.flv?start=4',
];

const head = (method: string, target: string, ...headers: string[]): Buffer =>
  text(`${method} ${target} HTTP/1.1`, 'Host: 127.0.0.1', 'User-Agent: player', ...headers);

/** One piece for each part of the target and for each header, so that each is as likely to be met as the long credential. */
function inParts(request: Buffer): Buffer[] {
  const lines = request.toString('latin1').split(/(?<=\r\n)/);
  return lines
    .flatMap((line, at) => (at === 0 ? line.split(/(?<=\/)/) : [line]))
    .map((part) => Buffer.from(part, 'latin1'));
}

function frame(opcode: number, body: Buffer): Buffer[] {
  const mask = Buffer.from([1, 2, 3, 4]);
  const masked = Buffer.from(body.map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
  return [Buffer.from([0x80 | opcode, 0x80 | body.length]), mask, masked];
}

/** The request of RFC 6455 §4.1. */
export const upgrade = (target: string, ...headers: string[]): Buffer =>
  head(
    'GET',
    target,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  );

function httpConversations(credential: string): Conversation[] {
  const at = (resource: string) => `/v/${credential}/${resource}`;
  const gets = HTTP_TARGETS.map((target): [string, Buffer[]] => [`GET ${target}`, [head('GET', at(target))]]);
  const others: [string, Buffer[]][] = [
    ['GET a range', [head('GET', at('mp4'), 'Range: bytes=1000-20000', 'If-Range: "abc"')]],
    ['GET many ranges', [head('GET', at('download'), 'Range: bytes=0-1,5-9,-20', 'If-None-Match: W/"a", "b"')]],
    ['HEAD', [head('HEAD', at('mp4'), 'Range: bytes=-500')]],
    ['preflight', [head('OPTIONS', at('mp4'), 'Origin: https://a.example', 'Access-Control-Request-Method: GET')]],
    ['POST', [head('POST', at('mp4'), 'Transfer-Encoding: chunked'), Buffer.from('5\r\nhello\r\n0\r\n\r\n')]],
    ['pipeline', HTTP_TARGETS.slice(0, 6).map((target) => head('GET', at(target)))],
    [
      'asks as a reverse proxy does',
      [head('GET', '/edge/authorize', `X-Original-URI: ${at('hls/source-v1/1.m4s')}`, 'X-Forwarded-For: 192.0.2.7')],
    ],
    [
      'WebSocket',
      [
        upgrade(at('live.flv')),
        ...frame(9, Buffer.from('ping')),
        ...frame(10, Buffer.from('pong')),
        ...frame(8, Buffer.from([3, 232])),
      ],
    ],
    ['WebSocket that speaks', [upgrade(at('live.flv?start=2'), 'Origin: null'), ...frame(1, Buffer.from('hello'))]],
  ];
  return [...gets, ...others].map(([what, [request = Buffer.alloc(0), ...rest]]) => ({
    name: `HTTP ${what}`,
    door: 'http',
    pieces: [...inParts(request), ...rest],
  }));
}

/** What viewers say who behave; `credential` may be good or bad. */
export const conversationsOf = (credential: string): Conversation[] => [
  ...rtmpConversations(credential),
  ...httpConversations(credential),
];
