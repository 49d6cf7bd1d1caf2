import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createConnectionLimit } from '../../../../streamer/src/access/connection-limit';
import { RtmpClient } from '../../../clients/rtmp.mjs';
import { until } from '../../../support/until';
import { type Stage, startStage } from '../rtmp/stage';

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.stop();
  stage = undefined;
});

/** A kept connection that was answered. */
async function connectHttp(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

async function isTurnedAway(port: number | null): Promise<boolean> {
  const socket = net.connect(port ?? 0, '127.0.0.1').on('error', () => undefined);
  let heard = 0;
  socket.on('data', (data) => {
    heard += data.length;
  });
  await once(socket, 'close');
  return heard === 0;
}

it('maxConnections holds over HTTP and RTMP together, and a connection that closes makes room for either', async () => {
  const started = await startStage({ settings: { maxConnections: 3 } });
  stage = started;
  const { port, rtmpPort } = started;
  const connectRtmp = () => RtmpClient.connect({ port: rtmpPort ?? 0 });
  const web = [await connectHttp(port), await connectHttp(port)];
  const player = await connectRtmp();
  expect(await isTurnedAway(port)).toBe(true);
  expect(await isTurnedAway(rtmpPort)).toBe(true);
  web.pop()?.destroy();
  const second = await until('there is room for RTMP', () => connectRtmp().catch(() => null));
  expect(await isTurnedAway(port)).toBe(true);
  player.close();
  second.close();
  const more = await until('there is room for HTTP', () => started.ask('/').catch(() => null));
  expect(more.status).toBe(404);
  for (const socket of web) socket.destroy();
});

describe('one address', () => {
  const limit = () => createConnectionLimit({ max: 8, isProxy: (address) => address === '10.0.0.1' });
  const from = (address: string): net.Socket =>
    Object.defineProperty(new net.Socket(), 'remoteAddress', { value: address });

  it.each([
    ['an IPv4 address', ['203.0.113.7', '::ffff:203.0.113.7', '203.0.113.7'], '203.0.113.8'],
    ['an IPv6 /48', ['2001:db8:1:100::1', '2001:db8:1:200::1', '2001:db8:1::2'], '2001:db8:2::1'],
  ])('%s has at most a quarter of all connections', (_owner, [first, second, third], neighbour) => {
    const mayConnect = limit();
    const sockets = [first, second].map((address) => from(address ?? ''));
    expect(sockets.map(mayConnect)).toEqual([true, true]);
    expect(mayConnect(from(third ?? ''))).toBe(false);
    expect(mayConnect(from(neighbour))).toBe(true);
    sockets[0]?.emit('close');
    expect(mayConnect(from(third ?? ''))).toBe(true);
    expect(mayConnect(from(third ?? ''))).toBe(false);
  });

  it.each(['10.0.0.1', '127.0.0.1', '::1'])('%s passes on what is many people’s, up to the limit of all', (address) => {
    const mayConnect = limit();
    expect(Array.from({ length: 9 }, () => mayConnect(from(address)))).toEqual([...Array(8).fill(true), false]);
  });
});
