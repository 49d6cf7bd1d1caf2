import { once } from 'node:events';
import http from 'node:http';
import { expect, it } from 'vitest';
import { createHttpServer } from '../../../../streamer/src/http/server';

/** More than the kernel keeps for a reader that does not read. */
const WHOLE = Buffer.alloc(64 * 1024 * 1024, 'x');

it('a server that closes lets an answer finish that was written whole, and drops idle connections at once', async () => {
  const server = createHttpServer((_request, response) => void response.end(WHOLE));
  const port = await server.listen('127.0.0.1', 0);
  const agent = new http.Agent({ keepAlive: true });
  const ask = async () => {
    const [answer] = await once(http.get({ port, host: '127.0.0.1', agent }), 'response');
    return answer as http.IncomingMessage;
  };
  const read = async (answer: http.IncomingMessage) => {
    let bytes = 0;
    for await (const chunk of answer) bytes += (chunk as Buffer).length;
    return bytes;
  };
  const [first, second] = await Promise.all([ask(), ask()]);
  expect(await read(first)).toBe(WHOLE.length);
  const closed = server.close(60_000);
  expect(await read(second)).toBe(WHOLE.length);
  await closed;
});
