import http, { type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HeadPart, PERMITTED, writeReadyHead } from '../../../../streamer/src/http/ready-head';
import { KEEP_ALIVE_SECONDS } from '../../../../streamer/src/http/server';

let respond: (response: ServerResponse) => void;
/** Whether Node put the head together line by line. */
let wroteItself = false;
const server = http.createServer((_request, response) => {
  response.writeHead = new Proxy(response.writeHead, {
    apply(writeHead, self, args) {
      wroteItself = true;
      return Reflect.apply(writeHead, self, args);
    },
  });
  respond(response);
  if (!response.writableEnded) response.end('body');
});
server.keepAliveTimeout = KEEP_ALIVE_SECONDS * 1000;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  agent.destroy();
  server.close();
});

async function rawHeadersOf(respondWith: (response: ServerResponse) => void, options: http.RequestOptions = { agent }) {
  respond = respondWith;
  wroteItself = false;
  const { port } = server.address() as AddressInfo;
  return new Promise<string[]>((resolve, reject) => {
    const sent = http.get({ host: '127.0.0.1', port, ...options }, (response) => {
      response.resume().once('end', () => resolve(response.rawHeaders));
    });
    sent.once('error', reject);
  });
}

const OWN = new HeadPart({ 'content-type': 'video/mp4', 'content-length': 4, etag: '"e"' });
const SHARED = new HeadPart({ vary: 'Origin' });

it('a ready head is what Node would write, name by name, value by value', async () => {
  const ready = await rawHeadersOf((response) => writeReadyHead(response, OWN, SHARED));
  expect(wroteItself).toBe(false);
  const written = await rawHeadersOf((response) => response.writeHead(200, OWN.headers.concat(SHARED.headers)));
  expect(wroteItself).toBe(true);
  const withoutDate = (headers: string[]) => headers.filter((_value, at) => headers[at - 1] !== 'Date');
  expect(withoutDate(ready)).toEqual(withoutDate(written));
  expect(ready.length).toBe(written.length);
});

it('a permission has no line beside its own, and its connection is kept', async () => {
  const permission = new HeadPart({ 'x-accel-expires': '1' });
  const sockets = new Set<unknown>();
  for (const _again of [1, 2]) {
    const headers = await rawHeadersOf((response) => {
      sockets.add(response.socket);
      writeReadyHead(response, permission, SHARED, PERMITTED);
      expect(response.statusCode).toBe(204);
      response.end();
    });
    expect(headers).toEqual(['x-accel-expires', '1', 'vary', 'Origin']);
  }
  expect([wroteItself, sockets.size]).toEqual([false, 1]);
});

it.each<[string, (response: ServerResponse) => void, http.RequestOptions]>([
  ['the connection will be closed', (response) => writeReadyHead(response, OWN, SHARED), { agent: false }],
  [
    'somebody has set a header',
    (response) => writeReadyHead(response.setHeader('connection', 'close'), OWN, SHARED),
    { agent },
  ],
  [
    'a value is not plain text',
    (response) => writeReadyHead(response, OWN, new HeadPart({ 'x-origin': 'caf\u00e9' })),
    { agent },
  ],
])('Node writes the head itself where %s', async (_why, respondWith, options) => {
  await rawHeadersOf(respondWith, options);
  expect(wroteItself).toBe(true);
});

it('S20 a value that would begin another header is refused by Node, never written', async () => {
  let refusal: unknown;
  await rawHeadersOf((response) => {
    try {
      writeReadyHead(response, OWN, new HeadPart({ 'access-control-allow-origin': 'a\r\nx: y' }));
    } catch (error) {
      refusal = error;
    }
  });
  expect(refusal).toMatchObject({ code: 'ERR_INVALID_CHAR' });
});
