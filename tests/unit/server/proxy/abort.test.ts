import { createHash } from 'node:crypto';
import { type RequestListener, request, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../../support/until';
import { open, type Site, startSite, startUpstream } from './proxied';

const MOUNT = '/protected-vod/stream';
const SESSION = `ps_${'s'.repeat(40)}`;
const MIB = 1024 ** 2;
const closers: Array<() => void> = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function start(listener: RequestListener): Promise<Site> {
  const upstream = await startUpstream(listener);
  const site = await startSite(() => upstream.port);
  closers.push(upstream.stop, site.stop);
  return site;
}

/** `megabytes` times the same MiB, made only as fast as it is taken. */
function film(megabytes: number): Readable {
  const block = Buffer.alloc(MIB, 'film');
  return Readable.from(
    (function* () {
      for (let count = 0; count < megabytes; count += 1) yield block;
    })(),
  );
}

/** Resolves when `read` has told the same number for a while: nothing flows any more. */
async function settled(read: () => number): Promise<number> {
  let last = -1;
  let same = 0;
  return until('nothing flows', () => {
    same = read() === last ? same + 1 : 0;
    last = read();
    return same >= 25 ? last : null;
  });
}

describe('stream proxy, ends', () => {
  it.each([
    ['of known length', { 'content-length': '1000000' }],
    ['of unknown length', {}],
  ])('S15 an answer %s that the streamer cuts off reaches the viewer as an aborted one', async (_name, headers) => {
    let cut: (() => void) | undefined;
    const site = await start((req, res) => {
      res.writeHead(200, headers);
      res.write('the first bytes');
      cut = () => req.socket.destroy();
    });
    const answer = await open(site.port, `${MOUNT}/v/${SESSION}/mp4`);
    let text = '';
    const read = (async () => {
      for await (const chunk of answer) text += String(chunk);
    })();
    const outcome = read.then(
      () => 'complete',
      (error: NodeJS.ErrnoException) => error.code,
    );
    await until('bytes have come', () => text !== '');
    cut?.();
    expect(await outcome).toBe('ECONNRESET');
    expect(answer.complete).toBe(false);
    expect(text).toBe('the first bytes');
    expect(site.faults).toEqual([]);
  });

  it('a viewer who leaves takes the connection to the streamer along, before and after the head', async () => {
    const closed: string[] = [];
    const responses: ServerResponse[] = [];
    const site = await start((req, res) => {
      responses.push(res);
      req.socket.once('close', () => closed.push(req.url ?? ''));
      if (req.url === '/v/late/mp4') res.write('x');
    });
    (await open(site.port, `${MOUNT}/v/late/mp4`)).destroy();
    const early = request({ host: '127.0.0.1', port: site.port, path: `${MOUNT}/v/early/mp4` }).on('error', () => {});
    early.end();
    await until('the streamer was asked', () => responses.length === 2);
    await until('the first has gone', () => closed.length === 1);
    early.destroy();
    await until('both have gone', () => closed.length === 2);
    expect(closed).toEqual(['/v/late/mp4', '/v/early/mp4']);
    expect(site.faults).toEqual([]);
  });

  it('S15 a slow reader does not fill the memory of the proxy, and gets every byte in the end', async () => {
    const MEGABYTES = 96;
    let written = () => 0;
    const site = await start((req, res) => {
      written = () => req.socket.bytesWritten;
      void pipeline(film(MEGABYTES), res).catch(() => undefined);
    });
    const answer = await open(site.port, `${MOUNT}/v/${SESSION}/mp4`);
    const heldBack = await settled(() => written());
    // Two connections' kernel buffers, which grow to some MiB each, and nothing near the whole.
    expect(heldBack).toBeLessThan(32 * MIB);
    const hash = createHash('sha256');
    await pipeline(answer, hash);
    const expected = createHash('sha256');
    await pipeline(film(MEGABYTES), expected);
    expect(hash.digest('hex')).toBe(expected.digest('hex'));
  });

  it('S15 ending a session cuts off its stalled viewer, whose proxy does not read, and nobody else', async () => {
    const site = await start((_req, res) => void pipeline(film(64), res).catch(() => undefined));
    const stalled = await open(site.port, `${MOUNT}/v/${SESSION}/mp4`);
    const other = await open(site.port, `${MOUNT}/v/ps_${'o'.repeat(40)}/mp4`);
    await settled(() => stalled.socket.bytesRead);
    site.proxy.open.endSession(createHash('sha256').update(SESSION).digest('hex'));
    await expect(stalled.resume().toArray()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await other.toArray()).reduce((sum: number, chunk: Buffer) => sum + chunk.length, 0)).toBe(64 * MIB);
  });

  it('S15 endAll() cuts off every viewer', async () => {
    const site = await start((_req, res) => void res.write('x'));
    const viewers = await Promise.all([SESSION, 'a.b.c'].map((id) => open(site.port, `${MOUNT}/v/${id}/mp4`)));
    site.proxy.open.endAll();
    for (const viewer of viewers) await expect(viewer.toArray()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});
