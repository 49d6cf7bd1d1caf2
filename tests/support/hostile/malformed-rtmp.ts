import { randomBytes } from 'node:crypto';
import { encodeValues } from '../../clients/amf0.mjs';
import { greeting } from '../../clients/rtmp.mjs';
import { arrival, command, handshake, message } from './conversations';

const SET_CHUNK_SIZE = 1;
const ABORT = 2;
const WINDOW_SIZE = 5;
const USER_CONTROL = 4;
const AUDIO = 8;
const VIDEO = 9;
const AMF3_COMMAND = 17;
const DATA = 18;
const SHARED_OBJECT = 19;
const COMMAND = 20;

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const times = (count: number, make: (at: number) => Buffer[]): Buffer[] =>
  Array.from({ length: count }, (_, at) => make(at)).flat();

/** An AMF 0 object in an object in an object, `depth` times. */
const nested = (depth: number): Buffer => Buffer.concat(Array.from({ length: depth }, () => hex('03 0001 61')));

/** Basic header of RTMP 1.0 §5.3.1.1 in its longest form, and a message header that promises `length` bytes. */
function promise(chunkStream: number, length: number): Buffer {
  const header = Buffer.alloc(14);
  header[0] = 1;
  header.writeUInt16LE(chunkStream, 1);
  header.writeUIntBE(length, 6, 3);
  header[9] = COMMAND;
  return header;
}

const connectWith = (object: unknown): Buffer[] => [...handshake(), ...command(0, 'connect', 1, object)];
const invoke = (body: Buffer): Buffer[] => [...handshake(), ...message(COMMAND, 0, body)];
const control = (type: number, body: Buffer): Buffer[] => [...handshake(), ...message(type, 0, body)];

/** A message that is declared shorter while it arrives, so that its reader has read more than there is. */
function shrinking(): Buffer[] {
  const [first = Buffer.alloc(0), body = Buffer.alloc(0)] = message(COMMAND, 0, Buffer.alloc(4000));
  return [
    ...control(SET_CHUNK_SIZE, hex('00000f00')),
    first,
    body.subarray(0, 0xf00),
    hex('03 000000 000001 14 00000000'),
  ];
}

/** What a stranger can say to the RTMP port, by name. `credential` is good. */
export function malformedRtmp(credential: string): Record<string, Buffer[]> {
  const name = `video1?token=${credential}`;
  const play = (...values: unknown[]) => command(1, 'play', 3, null, ...values);
  return {
    noise: [randomBytes(4096)],
    'a request of HTTP': [Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')],
    'a greeting of TLS': [hex('16 0301 0200 01 0001fc 0303'), randomBytes(500)],
    'another version': [hex('06'), randomBytes(1536)],
    'half a handshake': [greeting().subarray(0, 700)],
    'a handshake and noise': [...handshake(), randomBytes(4096)],
    'a chunk size of no bytes': control(SET_CHUNK_SIZE, Buffer.alloc(0)),
    'a chunk size of 0': control(SET_CHUNK_SIZE, hex('00000000')),
    'a chunk size beyond 31 bits': control(SET_CHUNK_SIZE, hex('ffffffff')),
    'a window of no bytes': control(WINDOW_SIZE, Buffer.alloc(0)),
    'an abort of no bytes': control(ABORT, Buffer.alloc(0)),
    'an event of one byte': control(USER_CONTROL, hex('00')),
    'an empty command': invoke(Buffer.alloc(0)),
    'a command that ends in a string': invoke(hex('02 ffff 636f6e')),
    'a command that ends in a number': invoke(hex('00 3ff0')),
    'a command whose name is an object': invoke(encodeValues({ a: 1 }, 1, null)),
    'a command named like a property of all objects': invoke(encodeValues('__proto__', 1, null)),
    'a value of unknown type': invoke(Buffer.concat([encodeValues('connect', 1), hex('0d')])),
    'an array of four thousand million values': invoke(
      Buffer.concat([encodeValues('connect', 1), hex('0a ffffffff 05')]),
    ),
    'an object in an object, a thousand deep': invoke(Buffer.concat([encodeValues('connect', 1), nested(1000)])),
    'an object in an object, as deep as a message is long': [
      ...control(SET_CHUNK_SIZE, hex('00004000')),
      ...times(1, () => message(COMMAND, 0, Buffer.concat([encodeValues('connect', 1), nested(4000)]))),
    ],
    'an AMF 3 command of no bytes': [...handshake(), ...message(AMF3_COMMAND, 0, Buffer.alloc(0))],
    'connect without tcUrl': connectWith({ app: 'vod' }),
    'connect with null': connectWith(null),
    'connect with a number for an application': connectWith({ app: 7, tcUrl: 7 }),
    'connect with a prototype': connectWith(JSON.parse('{"__proto__": {"app": "vod"}, "constructor": null}')),
    'connect twice': [...arrival(), ...command(0, 'connect', 9, { app: 'vod', tcUrl: 'rtmp://x/vod' })],
    'play before connect': [...handshake(), ...play(name)],
    'play without a name': [...arrival(), ...command(1, 'play', 3, null)],
    'play with an object for a name': [...arrival(), ...play({ a: 1 })],
    'play with a path for a name': [...arrival(), ...play(`../../etc/passwd?token=${credential}`)],
    'play with a name of ten thousand letters': [...arrival(), ...play('a'.repeat(10_000))],
    'play from no number': [...arrival(), ...play(name, Number.NaN)],
    'play from the end of time': [...arrival(), ...play(name, Number.MAX_VALUE)],
    'play five thousand times': [...arrival(), ...times(5000, (at) => play(`video${at}?token=${credential}`))],
    'five thousand streams': [...handshake(), ...times(5000, (at) => command(0, 'createStream', at, null))],
    'seek to no number and pause with an object': [
      ...arrival(),
      ...play(name),
      ...command(1, 'seek', 0, null, Number.NaN),
      ...command(1, 'seek', 0, null, -1e300),
      ...command(1, 'seek', 0, null, 1e300),
      ...command(1, 'pause', 0, null, { a: 1 }),
    ],
    'five thousand seeks': [...arrival(), ...play(name), ...times(5000, (at) => command(1, 'seek', 0, null, at * 2))],
    'a publisher': [...arrival(), ...command(1, 'publish', 3, null, name, 'live')],
    'pictures of a refused publisher': [
      ...arrival(),
      ...command(1, 'publish', 3, null, 'video1', 'live'),
      ...message(VIDEO, 1, hex('17 01 000000 00')),
    ],
    'pictures of a viewer': [...arrival(), ...play(name), ...message(VIDEO, 1, hex('17 00 000000'))],
    'empty sound': [...arrival(), ...message(AUDIO, 1, Buffer.alloc(0))],
    'metadata that are none': [...arrival(), ...message(DATA, 1, hex('02 ffff'))],
    'a shared object': [...arrival(), ...message(SHARED_OBJECT, 0, randomBytes(64))],
    'a thousand messages of 16 MB, promised': [...handshake(), ...times(1000, (at) => [promise(at, 0xffffff)])],
    'ten thousand chunk streams': [...handshake(), ...times(10_000, (at) => [promise(at, 0)])],
    'a message that shrinks': shrinking(),
    'a chunk that continues nothing': [...handshake(), hex('c3'), randomBytes(300)],
    'a time of four bytes, cut off': [...handshake(), hex('03 ffffff 000001 14 00000000 ffff')],
  };
}
