import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../../support/until';
import { EDGE_PROOF, type Site, startSite, startUpstream } from './proxied';

const MOUNT = '/protected-vod/stream';
const SESSION = `ps_${'s'.repeat(40)}`;
const FLV = `${MOUNT}/v/${SESSION}/live.flv`;
const MIB = 1024 ** 2;

const closers: Array<() => void> = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

type Upgraded = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const ACCEPT =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Protected-Vod-Edge: x\r\n\r\n';

/** A site in front of a streamer that takes each upgrade as `upgraded` says. */
async function start(upgraded: Upgraded): Promise<Site> {
  const upstream = await startUpstream((_request, response) => response.end('streamer'));
  const sockets = new Set<Duplex>();
  upstream.server.on('upgrade', (request, socket, head) => {
    sockets.add(socket.on('error', () => undefined).resume());
    socket.once('end', () => socket.end());
    upgraded(request, socket, head);
  });
  const site = await startSite(() => upstream.port);
  closers.push(site.stop, upstream.stop, () => {
    for (const socket of sockets) socket.destroy();
  });
  return site;
}

interface Viewer {
  socket: Socket;
  text(): string;
}

const KEYS = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

function shake(port: number, path: string, headers = '', head = ''): Viewer {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  closers.push(() => socket.destroy());
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: site\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n${KEYS}${headers}\r\n${head}`,
  );
  return { socket, text: () => text };
}

describe('stream proxy, WebSocket', () => {
  it('carries bytes both ways, those that came with the handshake too', async () => {
    const site = await start((_request, socket, head) => {
      socket.write(`${ACCEPT}hello`);
      if (head.length > 0) socket.write(head);
      socket.on('data', (chunk) => socket.write(chunk));
    });
    const viewer = shake(site.port, FLV, '', 'early');
    await until('all is back', () => viewer.text().endsWith('helloearly'));
    viewer.socket.write(' late');
    await until('it goes on', () => viewer.text().endsWith('helloearly late'));
    expect(viewer.text()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(viewer.text()).not.toMatch(/x-protected-vod/i);
    expect(site.logged).toEqual([]);
  });

  it('S16 strips what the HTTP proxy strips, proves itself, tells the address, and passes the origin on', async () => {
    let seen: IncomingMessage | undefined;
    const site = await start((request, socket) => {
      seen = request;
      socket.write(ACCEPT);
    });
    const forged =
      'Cookie: a=1\r\nAuthorization: Bearer x\r\nX-Forwarded-For: 203.0.113.9\r\nX-Protected-Vod-Client: 203.0.113.9\r\n';
    shake(site.port, `${FLV}?t=1`, `${forged}Origin: https://elsewhere.example\r\n`);
    await until('the streamer is asked', () => seen);
    expect(seen?.url).toBe(`/v/${SESSION}/live.flv?t=1`);
    expect(JSON.stringify(seen?.headers)).not.toMatch(/203\.0\.113\.9|Bearer|a=1/);
    expect(seen?.headers).toMatchObject({
      connection: 'Upgrade',
      upgrade: 'websocket',
      origin: 'https://elsewhere.example',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'x-protected-vod-edge': EDGE_PROOF,
      'x-protected-vod-client': '127.0.0.1',
    });
  });

  it("the site's own page needs no permission for its origin", async () => {
    let seen: IncomingMessage | undefined;
    const site = await start((request, socket) => {
      seen = request;
      socket.write(ACCEPT);
    });
    shake(site.port, FLV, 'Origin: http://site\r\n');
    await until('the streamer is asked', () => seen);
    expect(seen?.headers).not.toHaveProperty('origin');
  });

  it.each(['/metrics', '/v/x/mp4', '/v/x/hls/main.m3u8', '/v/../metrics', '/v/..%2fmetrics', '/player.js'])(
    'S16 an upgrade of %s is refused with 404 and reaches neither streamer nor Strapi',
    async (path) => {
      let asked = false;
      const site = await start(() => {
        asked = true;
      });
      const viewer = shake(site.port, MOUNT + path);
      await once(viewer.socket, 'close');
      expect(viewer.text()).toMatch(/^HTTP\/1\.1 404 /);
      expect(viewer.text()).toContain('cache-control: no-store');
      expect({ asked, logged: site.logged }).toEqual({ asked: false, logged: [] });
    },
  );

  it("the streamer's refusal reaches the viewer as it is", async () => {
    const site = await start((_request, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\nSet-Cookie: a=1\r\n\r\nForbidden\n');
    });
    const viewer = shake(site.port, FLV);
    await once(viewer.socket, 'close');
    expect(viewer.text()).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*\r\n\r\nForbidden\n$/);
    expect(viewer.text()).not.toMatch(/set-cookie/i);
  });

  it('without a streamer the answer is 503', async () => {
    const site = await startSite(() => null);
    closers.push(site.stop);
    const viewer = shake(site.port, FLV);
    await once(viewer.socket, 'close');
    expect(viewer.text()).toMatch(/^HTTP\/1\.1 503 /);
  });

  it('whichever side closes takes the other with it, and no error reaches the log', async () => {
    const upstream: Duplex[] = [];
    const site = await start((_request, socket) => {
      upstream.push(socket);
      socket.write(ACCEPT);
    });
    for (const end of [
      (viewer: Viewer) => viewer.socket.resetAndDestroy(),
      (viewer: Viewer) => viewer.socket.end(),
      () => upstream.at(-1)?.destroy(),
      () => (upstream.at(-1) as Socket).resetAndDestroy(),
    ]) {
      const viewer = shake(site.port, FLV);
      await until('it is open', () => viewer.text() !== '');
      end(viewer);
      await until('both have gone', () => viewer.socket.closed && upstream.at(-1)?.closed);
    }
    expect(site.faults).toEqual([]);
  });

  it('a viewer who leaves during the handshake takes the connection to the streamer along', async () => {
    let upstream: Duplex | undefined;
    const site = await start((_request, socket) => {
      upstream = socket;
    });
    const viewer = shake(site.port, FLV);
    await until('the streamer is asked', () => upstream);
    viewer.socket.resetAndDestroy();
    await until('it has gone', () => upstream?.closed);
  });

  it('S15 a viewer who does not read holds the streamer back, and the end of the session cuts it off', async () => {
    let sent = 0;
    const site = await start((_request, socket) => {
      socket.write(ACCEPT);
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(MIB / 4))) sent += MIB / 4;
      };
      socket.on('drain', more);
      more();
    });
    const viewer = shake(site.port, FLV);
    await until('bytes have come', () => viewer.text() !== '');
    viewer.socket.pause();
    let last = -1;
    let same = 0;
    await until('nothing flows', () => {
      same = sent === last ? same + 1 : 0;
      last = sent;
      return same > 25;
    });
    expect(sent).toBeLessThan(64 * MIB);
    site.proxy.open.endSession(createHash('sha256').update(SESSION).digest('hex'));
    viewer.socket.resume();
    await until('it is cut off', () => viewer.socket.closed);
  });

  it('S15 a viewer who came with a token, and stays at it, is cut off by its id', async () => {
    const claims = Buffer.from(JSON.stringify({ jti: 'token-1' })).toString('base64url');
    const site = await start((_request, socket) => void socket.write(ACCEPT));
    const [viewer, other] = [claims, 'e30'].map((payload) =>
      shake(site.port, `${MOUNT}/v/e30.${payload}.c2ln/live.flv`),
    );
    await until('both are open', () => viewer?.text() !== '' && other?.text() !== '');
    expect(site.proxy.open.hasTokens).toBe(true);
    site.proxy.open.endToken('token-1');
    await until('it is cut off', () => viewer?.socket.closed);
    expect(other?.socket.closed).toBe(false);
    expect(site.proxy.open.hasTokens).toBe(false);
  });
});

describe('stream proxy, upgrades of others', () => {
  it('are left to their own listener', async () => {
    const site = await start(() => undefined);
    const seen: string[] = [];
    site.server.on('upgrade', (request, socket) => {
      seen.push(request.url ?? '');
      socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\nhot');
    });
    const viewer = shake(site.port, '/hot-reload');
    await once(viewer.socket, 'close');
    expect(viewer.text()).toMatch(/hot$/);
    expect(seen).toEqual(['/hot-reload']);
  });

  it.each(['/elsewhere', FLV])(
    'where nobody listens, a request for %s that offers h2c is answered as any other',
    async (path) => {
      const site = await start(() => undefined);
      const viewer = shake(site.port, '/never');
      await until('it is answered', () => viewer.text().endsWith('Strapi'));
      const socket = connect(site.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      const offer =
        'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n';
      const request = `POST ${path} HTTP/1.1\r\nHost: site\r\n${offer}Content-Length: 5\r\n\r\n`;
      socket.write(`${request}hel`);
      socket.write('lo');
      await until('it is answered', () => text !== '');
      socket.write(`GET /again HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n`);
      await once(socket, 'close');
      expect(text).toMatch(path === FLV ? /^HTTP\/1\.1 405 / : /^HTTP\/1\.1 200 /);
      expect(text).toMatch(/Strapi$/);
      expect(site.logged).toContain('/again');
    },
  );

  it('a connection that offers h2c twenty times and then asks for a WebSocket is not listened to twenty times', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error): number => warnings.push(warning);
    process.on('warning', warn);
    closers.push(() => process.off('warning', warn));
    const site = await start((_request, socket) => void socket.write(`${ACCEPT}hello`));
    // As Strapi does, to close connections when it stops.
    site.server.on('connection', (socket: Socket) => socket.on('close', () => undefined));
    const socket = connect(site.port, '127.0.0.1');
    closers.push(() => socket.destroy());
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    for (let count = 1; count <= 20; count += 1) {
      socket.write('GET /again HTTP/1.1\r\nHost: site\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
      await until('it is answered', () => text.split('Strapi').length > count);
    }
    socket.write(`GET ${FLV} HTTP/1.1\r\nHost: site\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${KEYS}\r\n`);
    await until('it is open', () => text.endsWith('hello'));
    expect(warnings).toEqual([]);
  });
});
