import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutConnection } from '../../../../streamer/src/http/cut-connection';

/** More than the kernel keeps for a reader that does not read. */
const MUCH = Buffer.alloc(64 * 1024 * 1024);

describe('S15 a connection that is cut', () => {
  const server = createServer();
  let port: number;
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    port = (server.address() as { port: number }).port;
  });
  afterAll(() => server.close());

  async function open(): Promise<{ client: Socket; socket: Socket }> {
    const client = connect(port, '127.0.0.1');
    const [socket] = await once(server, 'connection');
    return { client, socket };
  }

  it.each<[string, (socket: Socket) => void]>([
    ['idle', () => undefined],
    ['whose reader reads nothing', (socket) => socket.write(MUCH)],
    ['whose reader reads nothing, and which was to end then', (socket) => socket.end(MUCH)],
  ])('%s, is reset and tells that it is closed', async (_which, prepare) => {
    const { client, socket } = await open();
    const reset = once(client, 'error');
    const closed = once(socket, 'close');
    prepare(socket);
    cutConnection(socket);
    await closed;
    client.resume();
    expect((await reset)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  it.each<[string, (socket: Socket) => Promise<unknown>]>([
    ['in the same moment', async (socket) => socket.end('the end')],
    [
      'a while ago',
      (socket) => {
        socket.end('the end');
        return once(socket, 'finish');
      },
    ],
  ])('which sent its end %s, tells that it is closed', async (_when, end) => {
    const { client, socket } = await open();
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error));
    const closed = once(socket, 'close');
    const all = once(client, 'data');
    await end(socket);
    cutConnection(socket);
    await closed;
    expect(errors).toEqual([]);
    expect(String((await all)[0])).toBe('the end');
    client.destroy();
  });
});
