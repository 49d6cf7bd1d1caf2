import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createPluginApi, type PluginApi } from '../../../../streamer/src/access/plugin-api';

const servers: Server[] = [];
let api: PluginApi | undefined;
afterEach(() => {
  api?.close();
  for (const server of servers.splice(0)) stop(server);
});

function stop(server: Server): void {
  server.close();
  server.closeAllConnections();
}

async function plugin(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Asks the first of `order`; one that fails goes to its end. */
function ask(order: string[]): PluginApi {
  api = createPluginApi({
    hosts: {
      internalUrl: () => order[0] ?? '',
      failed(url) {
        if (order[0] === url) order.push(order.shift() ?? '');
      },
    },
    credential: 'c',
    timeoutMs: 300,
    maxAnswerBytes: 1000,
    maxSockets: 1,
    clock: () => performance.now(),
  });
  return api;
}

const answering =
  (name: string): RequestListener =>
  (_request, response) =>
    void response.end(JSON.stringify(name));

it('a plugin that dies with a connection kept alive is followed by the next, within the same request', async () => {
  const [first, second] = [await plugin(answering('first')), await plugin(answering('second'))];
  const order = [first.url, second.url];
  const { post } = ask(order);
  expect(await post('/sync', '{}')).toMatchObject({ kind: 'answered', json: 'first' });
  stop(first.server);
  expect(await post('/sync', '{}')).toMatchObject({ kind: 'answered', json: 'second' });
  expect(order[0]).toBe(second.url);
});

it('a plugin that hangs is followed by the next after the time limit', async () => {
  const [first, second] = [await plugin(() => undefined), await plugin(answering('second'))];
  expect(await ask([first.url, second.url]).post('/introspect', '{}')).toMatchObject({ json: 'second' });
});

it('S18 where none answers it is an outage, and a refusal of the first is no reason to ask the next', async () => {
  const [first, second] = [await plugin(() => undefined), await plugin(() => undefined)];
  expect(await ask([first.url, second.url]).post('/sync', '{}')).toMatchObject({ kind: 'unavailable' });
  api?.close();
  const refusing = await plugin((_request, response) => void response.writeHead(403).end());
  expect(await ask([refusing.url, second.url]).post('/sync', '{}')).toEqual({ kind: 'broken', cause: 'status 403' });
});
