import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, askRaw, EDGE_PROOF, type Site, startSite, startUpstream, type Upstream } from './proxied';

const MOUNT = '/protected-vod/stream';
const closers: Array<() => void> = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function start(
  listener: RequestListener,
  trustedProxies: string[] = [],
): Promise<{ site: Site; upstream: Upstream }> {
  const upstream = await startUpstream(listener);
  const site = await startSite(() => upstream.port, trustedProxies);
  closers.push(upstream.stop, site.stop);
  return { site, upstream };
}

async function startEcho(trustedProxies: string[] = []) {
  const seen: Array<{ method: string; url: string; headers: IncomingHttpHeaders; body: string }> = [];
  const started = await start(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += String(chunk);
    seen.push({ method: req.method ?? '', url: req.url ?? '', headers: req.headers, body });
    res.end('streamer');
  }, trustedProxies);
  return { ...started, seen };
}

describe('stream proxy', () => {
  it.each([
    '/v/ps_abc/hls/main.m3u8',
    '/v/a.b.c/hls/source-v1/1.m4s?x=%2e%2e%2f',
    '/v/',
    '/player.js',
    '/embed/a.b.c',
    '/v/abc/text/pt%2Dbr.vtt',
  ])('S16 GET %s is passed on as it is', async (path) => {
    const { site, seen } = await startEcho();
    const answer = await ask(site.port, MOUNT + path);
    expect(answer).toMatchObject({ status: 200, body: 'streamer' });
    expect(seen.map(({ url }) => url)).toEqual([path]);
  });

  it.each([
    '/',
    '/metrics',
    '/healthz',
    '/readyz',
    '/v',
    '/vx/abc',
    '/player.jsx',
    '/player.js/x',
    '/..%2fmetrics',
    '/v/..%2f..%2fmetrics',
    '/v/../metrics',
    '/v/%2e%2e/metrics',
    '/v/%2E%2E%2Fmetrics',
    '/%2e%2e/metrics',
    '/v/./x',
    '/v/x/..',
    '/v//x',
    '//v/x',
    '/v/%2fx',
    '/v/x%5c..%5cmetrics',
    '/v/x\\..\\metrics',
    '/v/x%00.mp4',
    '/v/x%0d%0aHost:%20evil',
    '/v/%252e%252e/metrics',
    '/v/x%3f/..',
    '/v/x%23',
    '/v/%zz',
    '/v/%c0%ae%c0%ae/metrics',
    '/%76/abc',
    '/v%2fabc',
  ])('S16 GET %s is refused with 404 and reaches neither streamer nor Strapi', async (path) => {
    const { site, seen } = await startEcho();
    const answer = await ask(site.port, MOUNT + path);
    expect(answer).toMatchObject({ status: 404, body: 'Not Found\n', headers: { 'cache-control': 'no-store' } });
    expect(seen).toEqual([]);
    expect(site.logged).toEqual([]);
  });

  it('S21 other spellings of the mount end in the proxy, so that Strapi logs no token', async () => {
    const { site, seen } = await startEcho();
    for (const alias of ['/protected%2Dvod/stream/v/token', '//protected-vod/stream/v/token']) {
      expect((await ask(site.port, alias)).status).toBe(404);
    }
    const host = 'HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n';
    expect(await askRaw(site.port, `GET http://site${MOUNT}/metrics ${host}`)).toContain(' 404 ');
    expect(await askRaw(site.port, `GET http://site${MOUNT}/v/token ${host}`)).toContain(' 200 ');
    expect(await askRaw(site.port, `GET ${MOUNT}/v/x\u00e4 ${host}`)).toMatch(/ 40[04] /);
    expect(seen.map(({ url }) => url)).toEqual(['/v/token']);
    expect(site.logged).toEqual([]);
  });

  it('S16 paths outside the mount go to Strapi untouched', async () => {
    const { site, seen } = await startEcho();
    const paths = ['/', '/protected-vod/stream', '/protected-vod/streams/v/x', '/api/protected-vod/videos', '/%zz'];
    for (const path of paths) expect((await ask(site.port, path)).body).toBe('Strapi');
    expect(site.logged).toEqual(paths);
    expect(seen).toEqual([]);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])(
    'S16 %s answers 405 and reaches no streamer',
    async (method) => {
      const { site, seen } = await startEcho();
      const answer = await ask(site.port, `${MOUNT}/v/x/mp4`, { method, body: 'x' });
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD, OPTIONS' } });
      expect(seen).toEqual([]);
    },
  );

  it.each(['GET', 'HEAD', 'OPTIONS'])('S16 %s is passed on, a body of it is not', async (method) => {
    const { site, seen } = await startEcho();
    const headers = { 'content-length': '4' };
    expect((await ask(site.port, `${MOUNT}/v/x/mp4`, { method, headers, body: 'body' })).status).toBe(200);
    expect(seen).toMatchObject([{ method, body: '' }]);
    expect(seen[0]?.headers).not.toHaveProperty('content-length');
  });

  it('S16 the proxy strips Cookie and Authorization', async () => {
    const { site, seen } = await startEcho();
    const headers = {
      cookie: 'strapi_session=1',
      authorization: 'Bearer admin',
      'user-agent': 'vlc',
      range: 'bytes=0-1',
    };
    await ask(site.port, `${MOUNT}/v/x/mp4`, { headers });
    expect(seen[0]?.headers).not.toHaveProperty('cookie');
    expect(seen[0]?.headers).not.toHaveProperty('authorization');
    expect(seen[0]?.headers).toMatchObject({ 'user-agent': 'vlc', range: 'bytes=0-1' });
  });

  it('S16 the proxy strips hop-by-hop headers, also those that Connection names', async () => {
    const { site, seen } = await startEcho();
    const dropped = {
      'keep-alive': 'timeout=5',
      'proxy-authorization': 'Basic eA==',
      'proxy-connection': 'keep-alive',
      te: 'trailers',
      upgrade: 'h2c',
      'x-hop': 'secret',
    };
    await ask(site.port, `${MOUNT}/v/x/mp4`, { headers: { ...dropped, connection: 'X-Hop, Upgrade, close' } });
    for (const name of Object.keys(dropped)) expect(seen[0]?.headers).not.toHaveProperty(name);
    expect(seen[0]?.headers.connection).toBe('keep-alive');
  });

  it('S16 the client address and the proof come from the proxy alone', async () => {
    const { site, seen } = await startEcho();
    const forged = {
      forwarded: 'for=203.0.113.9',
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-host': 'evil',
      'x-forwarded-proto': 'https',
      'x-real-ip': '203.0.113.9',
      'x-protected-vod-edge': 'forged',
      'x-protected-vod-client': '203.0.113.9',
      'x-protected-vod-credential': 'forged',
    };
    await ask(site.port, `${MOUNT}/v/x/mp4`, { headers: forged });
    expect(JSON.stringify(seen[0]?.headers)).not.toMatch(/203\.0\.113\.9|forged|evil/);
    expect(seen[0]?.headers).toMatchObject({
      'x-protected-vod-edge': EDGE_PROOF,
      'x-protected-vod-client': '127.0.0.1',
    });
  });

  it('S16 behind a trusted proxy the rightmost untrusted hop is the client', async () => {
    const { site, seen } = await startEcho(['127.0.0.0/8', '10.0.0.0/8']);
    const headers = { 'x-forwarded-for': ['192.0.2.66', '203.0.113.9, 10.1.2.3'] };
    await ask(site.port, `${MOUNT}/v/x/mp4`, { headers });
    expect(seen[0]?.headers).toMatchObject({ 'x-protected-vod-client': '203.0.113.9' });
    expect(seen[0]?.headers).not.toHaveProperty('x-forwarded-for');
  });

  it('ranges, 304 and redirects with a relative Location pass unchanged', async () => {
    const { site } = await start((req, res) => {
      if (req.headers['if-none-match'] === '"e"') return res.writeHead(304, { etag: '"e"' }).end();
      if (req.headers.range === 'bytes=2-3') {
        return res
          .writeHead(206, { 'content-range': 'bytes 2-3/10', 'content-length': 2, 'accept-ranges': 'bytes' })
          .end('cd');
      }
      return res.writeHead(302, { location: '../ps_1/mp4' }).end();
    });
    const path = `${MOUNT}/v/x/mp4`;
    expect(await ask(site.port, path, { headers: { range: 'bytes=2-3' } })).toMatchObject({
      status: 206,
      body: 'cd',
      headers: { 'content-range': 'bytes 2-3/10', 'content-length': '2', 'accept-ranges': 'bytes' },
    });
    const notModified = await ask(site.port, path, { headers: { 'if-none-match': '"e"' } });
    expect(notModified).toMatchObject({ status: 304, body: '', headers: { etag: '"e"' } });
    expect(await ask(site.port, path)).toMatchObject({ status: 302, headers: { location: '../ps_1/mp4' } });
  });

  it("S20 the streamer's security headers stay; its cookies and hop-by-hop headers do not", async () => {
    const kept = {
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'private, no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      vary: 'Origin, Accept-Encoding',
    };
    const { site } = await start((_req, res) => {
      res.writeHead(200, {
        ...kept,
        'set-cookie': 'a=1',
        'x-hop': '1',
        connection: 'x-hop, keep-alive',
        'x-protected-vod-edge': 'echo',
      });
      res.end('x');
    });
    const { headers } = await ask(site.port, `${MOUNT}/v/x/mp4`);
    expect(headers).toMatchObject(kept);
    for (const name of ['set-cookie', 'x-hop', 'x-protected-vod-edge']) expect(headers).not.toHaveProperty(name);
  });

  it('without a streamer the answer is a constant 503 that is not cached', async () => {
    const site = await startSite(() => null);
    closers.push(site.stop);
    const first = await ask(site.port, `${MOUNT}/v/x/mp4`);
    expect(first).toMatchObject({ status: 503, headers: { 'retry-after': '2', 'cache-control': 'no-store' } });
    expect((await ask(site.port, `${MOUNT}/player.js`)).body).toBe(first.body);
    expect((await ask(site.port, `${MOUNT}/metrics`)).status).toBe(404);
  });

  it('the proxy follows the streamer to another port, and a dead port is a 503', async () => {
    const first = await startUpstream((_req, res) => res.end('first'));
    const second = await startUpstream((_req, res) => res.end('second'));
    let port = first.port;
    const site = await startSite(() => port);
    closers.push(first.stop, second.stop, site.stop);
    expect((await ask(site.port, `${MOUNT}/v/x/mp4`)).body).toBe('first');
    first.stop();
    expect((await ask(site.port, `${MOUNT}/v/x/mp4`)).status).toBe(503);
    port = second.port;
    expect((await ask(site.port, `${MOUNT}/v/x/mp4`)).body).toBe('second');
  });

  it('connections to the streamer are reused, and one closed at its reuse is no error', async () => {
    const requestsOf = new Map<unknown, number>();
    const { site } = await start((req, res) => {
      const count = (requestsOf.get(req.socket) ?? 0) + 1;
      requestsOf.set(req.socket, count);
      if (count === 3) req.socket.resetAndDestroy();
      else res.end('x');
    });
    for (let count = 0; count < 3; count += 1) expect((await ask(site.port, `${MOUNT}/v/x/mp4`)).body).toBe('x');
    expect([...requestsOf.values()]).toEqual([3, 1]);
  });
});
