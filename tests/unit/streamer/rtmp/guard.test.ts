import net from 'node:net';
import Context from 'node-media-server/src/core/context.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeValue, encodeValues } from '../../../clients/amf0.mjs';
import { COMMAND, RtmpClient } from '../../../clients/rtmp.mjs';
import { until } from '../../../support/until';
import { type Stage, startStage } from './stage';

let stage: Stage;
let client: RtmpClient;

beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.stop());

const command = (body: Buffer, type = COMMAND) => ({ type, streamId: 0, timestampMs: 0, body });
const header = (bytes: number[], length: number, type: number) => {
  const tail = Buffer.alloc(11);
  tail.writeUIntBE(length, 3, 3);
  tail[6] = type;
  return Buffer.concat([Buffer.from(bytes), tail]);
};
/** A first chunk of a message of a type that nobody reads, and a header on the same chunk stream that tells another length. */
const changing = (length: number, then: number) =>
  Buffer.concat([header([3], length, 22), Buffer.alloc(128), header([3], then, 22)]);
const longText = (length: number) =>
  Buffer.concat([Buffer.from([2, length >> 8, length & 255]), Buffer.alloc(length, 97)]);
const nested = Buffer.concat([
  encodeValues('connect', 1),
  ...Array.from({ length: 3000 }, () => Buffer.from([3, 0, 1, 97])),
]);

/** Each ends its connection; after the handshake, before `connect`. */
const VIOLATIONS: Record<string, (to: RtmpClient) => void> = {
  'a chunk size of no bytes': (to) => to.send(command(Buffer.alloc(0), 1)) ?? to.send(command(Buffer.alloc(1), 20)),
  'a chunk size of one byte': (to) => to.send(command(Buffer.from([1]), 1)),
  'a chunk size of 0': (to) => to.send(command(Buffer.alloc(4), 1)),
  'a chunk size beyond 24 bits': (to) => to.send(command(Buffer.from([0x7f, 0xff, 0xff, 0xff]), 1)),
  'connect without an object': (to) => to.send(command(encodeValues('connect', 1, null))),
  'connect without an application': (to) => to.send(command(encodeValues('connect', 1, { tcUrl: 'rtmp://h/vod' }))),
  'connect with a number for an application': (to) => to.send(command(encodeValues('connect', 1, { app: 7 }))),
  'play before connect': (to) => to.send(command(encodeValues('play', 1, null, 'video1'))),
  'a command without a name': (to) => to.send(command(encodeValues(7, 1))),
  'a command cut off': (to) => to.send(command(encodeValues('connect', 1, { app: 'vod' }).subarray(0, 30))),
  'an unknown type': (to) => to.send(command(Buffer.concat([encodeValues('connect', 1), Buffer.from([0x0d])]))),
  'an empty command': (to) => to.send(command(Buffer.from([17]), 17)),
  'a strict array of four thousand million': (to) =>
    to.send(command(Buffer.concat([encodeValues('connect', 1), Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff])]))),
  'objects within objects, three thousand deep': (to) => to.send(command(nested)),
  'a command longer than any': (to) => to.send(command(Buffer.concat([encodeValue('x'), longText(20_000)]))),
  'a header that announces 16 MB': (to) => to.socket.write(Buffer.concat([header([3], 0xffffff, 9), Buffer.alloc(1)])),
  'chunk streams without end': (to) => {
    // A first chunk of each, so that all of them wait for their second.
    for (let id = 3; id < 60; id += 1) to.socket.write(Buffer.concat([header([id], 200, 22), Buffer.alloc(128)]));
  },
  'a message that shrinks while it arrives': (to) => to.socket.write(changing(200, 130)),
  'a message that shrinks below what has arrived': (to) => to.socket.write(changing(200, 4)),
  'a message that grows while it arrives': (to) => to.socket.write(changing(200, 12_000)),
  'streams without end': (to) => {
    to.send(command(encodeValues('connect', 1, { app: 'vod' })));
    for (let count = 0; count < 40; count += 1) to.say(0, 'createStream', null);
  },
  'a second connect': (to) => {
    to.send(command(encodeValues('connect', 1, { app: 'vod' })));
    to.send(command(encodeValues('connect', 2, { app: 'vod' })));
  },
  'play without a name': (to) => {
    to.send(command(encodeValues('connect', 1, { app: 'vod' })));
    to.send(command(encodeValues('play', 2, null)));
  },
  sound: (to) => to.send(command(Buffer.from([0xaf, 1, 2]), 8)),
  pictures: (to) => to.send(command(Buffer.from([0x17, 1, 0, 0, 0]), 9)),
  'script data': (to) => to.send(command(encodeValues('@setDataFrame', 'onMetaData', {}), 18)),
  'AMF 3 data': (to) => to.send(command(Buffer.from([0, 1, 2]), 15)),
};

/** Ignored, as Flash Media Server did. */
const HARMLESS: Record<string, (to: RtmpClient) => void> = {
  'an unknown command': (to) => void to.say(0, '_checkbw', null),
  'an unknown message type': (to) => to.send(command(Buffer.alloc(9), 22)),
  'an event of the user': (to) => to.send(command(Buffer.from([0, 3, 0, 0, 0, 1, 0, 0, 0, 200]), 4)),
  'seek before play': (to) => void to.say(1, 'seek', null, 1000),
  'an acknowledgement': (to) => to.send(command(Buffer.from([0, 0, 1, 0]), 3)),
};

async function stillServes(): Promise<void> {
  const viewer = await stage.play();
  await viewer.until(() => viewer.pictures().length > 5, 'pictures');
  viewer.close();
}

describe('whatever a stranger sends over RTMP, his connection ends and the process lives', () => {
  beforeEach(async () => {
    client = await RtmpClient.connect({ port: stage.rtmpPort ?? 0 });
  });

  it.each(Object.keys(VIOLATIONS))('%s', async (name) => {
    VIOLATIONS[name]?.(client);
    await client.closed;
    await stillServes();
    await until('nothing is left', () => Context.sessions.size === 0 && Context.broadcasts.size === 0);
  });

  it.each(Object.keys(HARMLESS))('%s is ignored', async (name) => {
    HARMLESS[name]?.(client);
    await client.openApp('vod');
    client.close();
  });

  it('five thousand plays on one connection open one stream', async () => {
    const token = await stage.plugin.mint({ protocols: ['rtmp'] });
    await client.openApp('vod');
    for (let count = 0; count < 5000; count += 1) client.say(1, 'play', null, `video1?token=${token}`);
    await client.heard('NetStream.Play.Start');
    await client.until(() => client.pictures().length > 20, 'pictures');
    expect(client.statuses()).toEqual(['NetStream.Play.Reset', 'NetStream.Play.Start']);
    client.close();
    await until('nothing is left', () => Context.sessions.size === 0 && Context.broadcasts.size === 0);
  });
});

describe('before the handshake', () => {
  it.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['TLS', Buffer.from([0x16, 3, 1, 0, 200])],
    ['another version', Buffer.from([6, 0, 0, 0, 0])],
  ])('%s ends the connection', async (_name, bytes) => {
    const socket = net.connect(stage.rtmpPort ?? 0, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
  });

  it('whoever says nothing is let go', { timeout: 30_000 }, async () => {
    const idle = await Promise.all(Array.from({ length: 20 }, () => RtmpClient.connect({ port: stage.rtmpPort ?? 0 })));
    await Promise.all(idle.map(({ closed }) => closed));
    await until('nothing is left', () => Context.sessions.size === 0);
  });
});

describe('connections are counted', () => {
  it('no more than may be are open at one time', async () => {
    const small = await startStage({ settings: { maxConnections: 2 } });
    const [one, two] = [await small.play(), await small.play()];
    await one.heard('NetStream.Play.Start');
    await two.heard('NetStream.Play.Start');
    await expect(RtmpClient.connect({ port: small.rtmpPort ?? 0 })).rejects.toThrow();
    one.close();
    await until('there is room again', async () => (await small.metric('protected_vod_continuous_streams')) === 1);
    const three = await small.play();
    await three.heard('NetStream.Play.Start');
    for (const viewer of [two, three]) viewer.close();
    await small.stop();
  });

  it('a network may have 256 that were not admitted yet, and more that were', { timeout: 20_000 }, async () => {
    const viewer = await stage.play();
    await viewer.heard('NetStream.Play.Start');
    const waiting = await Promise.all(
      Array.from({ length: 256 }, () => RtmpClient.connect({ port: stage.rtmpPort ?? 0 })),
    );
    await expect(RtmpClient.connect({ port: stage.rtmpPort ?? 0 })).rejects.toThrow();
    const elsewhere = await RtmpClient.connect({ port: stage.rtmpPort ?? 0, from: '127.0.2.1' });
    for (const one of [...waiting, elsewhere, viewer]) one.close();
    await until('all have left', () => Context.sessions.size === 0);
    await stillServes();
  });
});
