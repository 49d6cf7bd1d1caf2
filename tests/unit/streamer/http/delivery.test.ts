import { unlinkSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Site, startSite } from '../access/harness';

const SIZE = 1_000_000;
const ORIGIN = 'https://site.example';

let site: Site;
let base = '';
let token = '';
beforeAll(async () => {
  site = await startSite({ filmBytes: SIZE, settings: { corsOrigins: [ORIGIN] } });
  const opened = await site.open();
  base = `/v/${opened.sessionId}`;
  token = opened.token;
});
afterAll(() => site.stop());

describe('byte ranges over HTTP', () => {
  it.each<[string | undefined, number, number, number]>([
    [undefined, 200, 0, SIZE - 1],
    ['bytes=0-0', 206, 0, 0],
    ['bytes=0-', 206, 0, SIZE - 1],
    ['bytes=262143-262144', 206, 262_143, 262_144],
    ['bytes=100-700000', 206, 100, 700_000],
    [`bytes=${SIZE - 1}-`, 206, SIZE - 1, SIZE - 1],
    ['bytes=-1', 206, SIZE - 1, SIZE - 1],
    ['bytes=-500', 206, SIZE - 500, SIZE - 1],
    ['bytes=-9999999', 206, 0, SIZE - 1],
    ['bytes=999999-2000000', 206, SIZE - 1, SIZE - 1],
    ['bytes=0-1,5-6', 200, 0, SIZE - 1],
    ['bytes=5-2', 200, 0, SIZE - 1],
    ['lines=1-2', 200, 0, SIZE - 1],
  ])('%j answers %d with exactly these bytes', async (range, status, first, last) => {
    for (const resource of ['mp4', 'download']) {
      const answer = await site.ask(`${base}/${resource}`, range === undefined ? {} : { headers: { range } });
      expect(answer.status).toBe(status);
      expect(answer.headers['content-length']).toBe(String(last - first + 1));
      expect(answer.headers['content-range']).toBe(status === 206 ? `bytes ${first}-${last}/${SIZE}` : undefined);
      expect(answer.body.equals(site.film.subarray(first, last + 1))).toBe(true);
    }
  });

  it.each([`bytes=${SIZE}-`, 'bytes=9999999-', 'bytes=-0'])('%s is 416 with the size', async (range) => {
    const answer = await site.ask(`${base}/mp4`, { headers: { range } });
    expect(answer.status).toBe(416);
    expect(answer.headers['content-range']).toBe(`bytes */${SIZE}`);
  });

  it('HEAD tells the length, ignores Range and sends nothing', async () => {
    const answer = await site.ask(`${base}/mp4`, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-length': String(SIZE), 'accept-ranges': 'bytes' },
    });
    expect(answer.body).toHaveLength(0);
  });

  it('416 comes after the gate only', async () => {
    const answer = await site.ask('/v/x/mp4', { headers: { range: `bytes=${SIZE}-` } });
    expect(answer.status).toBe(403);
  });
});

describe('S19 copies', () => {
  it('ETags are opaque and strong, and conditions are answered', async () => {
    const { headers } = await site.ask(`${base}/mp4`, { method: 'HEAD' });
    const etag = String(headers.etag);
    expect(etag).toMatch(/^"[A-Za-z0-9_-]{22}"$/);
    expect(etag).not.toContain('version-0001');
    const status = async (extra: Record<string, string>) => (await site.ask(`${base}/mp4`, { headers: extra })).status;
    expect(await status({ 'if-none-match': etag })).toBe(304);
    expect(await status({ 'if-match': '"other"' })).toBe(412);
    expect(await status({ range: 'bytes=0-0', 'if-range': etag })).toBe(206);
    expect(await status({ range: 'bytes=0-0', 'if-range': '"other"' })).toBe(200);
    expect(await status({ 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' })).toBe(200);
  });

  it('a condition is no way around the gate', async () => {
    const { headers } = await site.ask(`${base}/mp4`, { method: 'HEAD' });
    const etag = String(headers.etag);
    const answer = await site.ask(`${base}/mp4`, {
      headers: { 'if-none-match': etag },
      from: '127.0.1.1',
      agent: 'other',
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.etag).toBeUndefined();
  });

  it('segments may be kept by the viewer, all else by nobody', async () => {
    const cached = async (resource: string) => (await site.ask(`${base}/${resource}`)).headers['cache-control'];
    expect(await cached('hls/source-v1/1.m4s')).toMatch(/^private, max-age=\d+$/);
    for (const resource of [
      'hls/main.m3u8',
      'hls/source-v1/media.m3u8',
      'dash/manifest.mpd',
      'mp4',
      'download',
      'nothing',
    ]) {
      expect([resource, await cached(resource)]).toEqual([resource, 'private, no-store']);
    }
  });
});

describe('S20 headers', () => {
  const cases: [string, () => Promise<Answer>][] = [
    ['a playlist', () => site.ask(`${base}/hls/main.m3u8`)],
    ['a film', () => site.ask(`${base}/mp4`)],
    ['a redirect', () => site.ask(`/v/${token}/mp4`)],
    ['a refusal', () => site.ask('/v/x/mp4')],
    ['no credential', () => site.ask('/v//mp4')],
    ['an unknown path', () => site.ask('/nothing')],
    ['a wrong method', () => site.ask(`${base}/mp4`, { method: 'POST' })],
    ['a missing resource', () => site.ask(`${base}/nothing`)],
    ['a preflight', () => site.ask(`${base}/mp4`, { method: 'OPTIONS' })],
  ];
  it.each(cases)('%s carries them', async (_what, get) => {
    const { headers } = await get();
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'cross-origin',
    });
    expect(headers.vary).toBe('Origin');
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
    expect(headers).not.toHaveProperty('set-cookie');
  });

  it('origins are named one by one, on redirects and refusals too', async () => {
    for (const target of [`${base}/mp4`, `/v/${token}/mp4`, '/v/x/mp4']) {
      const listed = await site.ask(target, { headers: { origin: ORIGIN } });
      expect(listed.headers['access-control-allow-origin']).toBe(ORIGIN);
      expect(listed.headers['access-control-expose-headers']).toContain('Content-Range');
      const other = await site.ask(target, { headers: { origin: 'https://evil.example' } });
      expect(other.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('a film is inline, a download an attachment under its own name, and neither is buffered on the way', async () => {
    const film = await site.ask(`${base}/mp4`, { method: 'HEAD' });
    expect(film.headers).toMatchObject({
      'content-type': 'video/mp4',
      'content-disposition': 'inline',
      'x-accel-buffering': 'no',
    });
    const download = await site.ask(`${base}/download`, { method: 'HEAD' });
    expect(download.headers['content-disposition']).toBe(`attachment; filename="film.mp4"; filename*=UTF-8''film.mp4`);
    expect(download.headers['x-accel-buffering']).toBe('no');
  });
});

describe('the front door', () => {
  it.each([
    ['/v/../v/x/mp4', 403],
    ['/v/%2e%2e/%2e%2e/etc/passwd', 403],
    ['/v/%252e%252e/mp4', 403],
    ['/v/..%2f..%2fetc%2fpasswd', 403],
    ['/v/%00/mp4', 403],
    ['/v/a%00b/mp4', 403],
    ['/v/a\\..\\b/mp4', 403],
    [`/v/${'a'.repeat(3000)}/mp4`, 403],
    [`/v/${'a'.repeat(5000)}/mp4`, 414],
    ['/etc/passwd', 404],
    ['/../../etc/passwd', 404],
    ['//v/x/mp4', 404],
    ['/%76/x/mp4', 404],
    ['/', 404],
    ['/metrics', 404],
    ['/healthz', 404],
  ])('%s is %d', async (target, status) => {
    expect((await site.ask(target)).status).toBe(status);
  });

  it.each([
    '../mp4',
    '%2e%2e/mp4',
    'hls/../mp4',
    'mp4%00',
    'mp4/..',
    '/mp4',
    'hls/source-v1/%31.m4s',
    'hls/source-v1/0.m4s',
    'hls\\main.m3u8',
  ])('behind the gate %s names nothing', async (resource) => {
    expect((await site.ask(`${base}/${resource}`)).status).toBe(404);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND'])(
    '%s is 405 and says what is allowed',
    async (method) => {
      const answer = await site.ask(`${base}/mp4`, { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('GET, HEAD, OPTIONS');
    },
  );

  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let answer = '';
      const socket = net.connect(site.port, '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('error', () => undefined).on('close', () => resolve(answer.split('\r\n')[0] ?? ''));
    });

  it.each([
    ['a NUL in the path', `GET /v/a\u0000b/mp4 HTTP/1.1\r\nHost: h\r\n\r\n`, '400'],
    ['garbage', '\u0016\u0003\u0001\r\n\r\n', '400'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: h\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, '431'],
    ['two lengths', 'GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', '400'],
  ])('%s is refused by the parser', async (_what, text, status) => {
    expect(await raw(text)).toContain(` ${status} `);
  });

  it('a film that is gone from storage is 404 after the gate, and the log names no path', async () => {
    const other = await startSite();
    const { sessionId } = await other.open();
    unlinkSync(path.join(other.storageRoot, 'films/film.mp4'));
    expect((await other.ask(`/v/${sessionId}/mp4`)).status).toBe(404);
    expect(other.logLines.join('')).toContain('asset-missing');
    expect(other.logLines.join('')).not.toContain(other.storageRoot);
    await other.stop();
  });
});
