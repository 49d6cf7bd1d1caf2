import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CURL_HTTP2 } from '../../../support/tools';
import { type Site, startSite } from '../access/harness';

const run = promisify(execFile);
const OFFER = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n';

let site: Site;
let session: string;

beforeAll(async () => {
  site = await startSite();
  session = `/v/${(await site.open()).sessionId}`;
});
afterAll(() => site.stop());

function talk() {
  const socket = connect(site.port, '127.0.0.1').on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  return { socket, text: () => text };
}

describe('a request that offers to upgrade to HTTP/2 is answered as any other', () => {
  describe.skipIf(!CURL_HTTP2)('curl --http2 (needs curl with HTTP/2)', () => {
    const curl = async (...args: string[]) =>
      (await run(CURL_HTTP2 ?? '', ['-s', '--http2', '--max-time', '10', ...args], { encoding: 'latin1' })).stdout;

    it.each(['hls/main.m3u8', 'hls/source-v1/1.m4s', 'mp4'])('%s answers 200 with the whole body', async (resource) => {
      const target = `${session}/${resource}`;
      const { body } = await site.ask(target);
      const answer = await curl('-w', ' %{http_code}', `http://127.0.0.1:${site.port}${target}`);
      expect(answer).toBe(`${body.toString('latin1')} 200`);
    });
  });

  it('with a body too', async () => {
    const { socket, text } = talk();
    socket.write(`POST ${session}/mp4 HTTP/1.1\r\nHost: a\r\n${OFFER}Content-Length: 5\r\n\r\nhel`);
    socket.write('lo');
    await once(socket, 'close');
    expect(text()).toMatch(/^HTTP\/1\.1 405 [\s\S]*connection: close/i);
  });
});

describe('what is still taken for an upgrade', () => {
  it('a WebSocket, however it is written', async () => {
    const { socket, text } = talk();
    socket.write('GET /v/garbage/live.flv HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n');
    await once(socket, 'close');
    expect(text()).toMatch(/^HTTP\/1\.1 403 [\s\S]*connection: close/i);
  });

  it('CONNECT, which nobody serves', async () => {
    const { socket, text } = talk();
    socket.write('CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'close');
    expect(text()).toBe('');
  });
});
