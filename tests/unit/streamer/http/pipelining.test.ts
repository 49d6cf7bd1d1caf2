import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BoundServer, createHttpServer } from '../../../../streamer/src/http/server';
import { until } from '../../../support/until';

const OFFER = 'Connection: Upgrade\r\nUpgrade: h2c\r\n';

describe('whatever a client sends behind a request, every response that is begun is also closed', () => {
  let server: BoundServer;
  let port: number;
  let open: Set<string>;
  let begun: string[];
  beforeEach(async () => {
    open = new Set();
    begun = [];
    server = createHttpServer(({ url = '' }, response) => {
      begun.push(url);
      open.add(url);
      response.once('close', () => open.delete(url));
      response.writeHead(200, { 'content-length': 2 });
      if (url !== '/endless') response.end('ok');
    });
    port = await server.listen('127.0.0.1', 0);
  });
  afterEach(() => server.close(0));

  /** Sends all at once, and gives what came back until the connection was closed. */
  async function say(...parts: string[]): Promise<string> {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.write(parts.join(''));
    await once(socket, 'close');
    await until('all is closed', () => open.size === 0);
    return text;
  }

  const get = (target: string, more = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

  it('behind one that Node refuses by itself, for want of a host, nothing is served', async () => {
    expect(await say('GET /hostless HTTP/1.1\r\n\r\n', get('/endless'))).toMatch(/^HTTP\/1\.1 400 /);
    expect(begun).toEqual([]);
  });

  it.each([
    ['a request', get('/2')],
    ['the first half of a request', 'GET /2 HTTP/1.1\r\nHost: a\r\nX: '],
    ['garbage', 'x\r\n\r\n'],
  ])(
    'S20 %s behind an offer to upgrade, which the parser drops, finds the connection closed',
    async (_what, behind) => {
      const text = await say(get('/1', OFFER), behind);
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\nconnection: close\r\n[\s\S]*ok$/i);
      expect(begun).toEqual(['/1']);
    },
  );
});
