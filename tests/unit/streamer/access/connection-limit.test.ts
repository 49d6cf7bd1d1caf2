import { once } from 'node:events';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { RtmpClient } from '../../../clients/rtmp.mjs';
import { until } from '../../../support/until';
import { type Stage, startStage } from '../rtmp/stage';

let stage: Stage;
afterEach(() => stage.stop());

/** A kept connection that was answered. */
async function connectHttp(): Promise<net.Socket> {
  const socket = net.connect(stage.port, '127.0.0.1').on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

const connectRtmp = () => RtmpClient.connect({ port: stage.rtmpPort ?? 0 });

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
  stage = await startStage({ settings: { maxConnections: 3 } });
  const web = [await connectHttp(), await connectHttp()];
  const player = await connectRtmp();
  expect(await isTurnedAway(stage.port)).toBe(true);
  expect(await isTurnedAway(stage.rtmpPort)).toBe(true);
  web.pop()?.destroy();
  const second = await until('there is room for RTMP', () => connectRtmp().catch(() => null));
  expect(await isTurnedAway(stage.port)).toBe(true);
  player.close();
  second.close();
  const more = await until('there is room for HTTP', () => stage.ask('/').catch(() => null));
  expect(more.status).toBe(404);
  for (const socket of web) socket.destroy();
});
