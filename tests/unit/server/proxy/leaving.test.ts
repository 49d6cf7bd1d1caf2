import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../../support/until';
import { ask, type Site, startSite, startUpstream } from './proxied';

const MOUNT = '/protected-vod/stream';
const SESSION = `ps_${'s'.repeat(40)}`;
const TOKEN = `eyJ${'h'.repeat(40)}.eyJ${'p'.repeat(40)}.${'s'.repeat(86)}`;

const closers: Array<() => void> = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function startSlowSite(): Promise<{ site: Site; asked: () => number }> {
  let asked = 0;
  const upstream = await startUpstream(async (_, response) => {
    asked += 1;
    await delay(50);
    response.end(Buffer.alloc(1024 * 1024));
  });
  const site = await startSite(() => upstream.port);
  closers.push(upstream.stop, site.stop);
  return { site, asked: () => asked };
}

describe('stream proxy, a viewer who leaves', () => {
  it('S21 is no fault of the server, whenever it happens', async () => {
    const { site, asked } = await startSlowSite();
    for (let round = 1; round <= 20; round += 1) {
      const socket = connect(site.port, '127.0.0.1').on('error', () => {});
      socket.write(`GET ${MOUNT}/v/${SESSION}/mp4 HTTP/1.1\r\nHost: site\r\n\r\n`);
      await until('the request has come', () => asked() >= round);
      await delay(44 + (round % 10));
      socket.resetAndDestroy();
    }
    await delay(150);
    expect(site.faults).toEqual([]);
  });

  it('leaves the site answering', async () => {
    const { site } = await startSlowSite();
    expect((await ask(site.port, '/elsewhere')).body).toBe('Strapi');
  });
});

describe('stream proxy, a credential of ours below another prefix', () => {
  it.each([
    '/v',
    '/strapi/protected-vod/stream/v',
    '/api/protected-vod/stream/v',
    '/PROTECTED-VOD/stream/v',
    '/protected-vod/stream;x/v',
    '/./protected-vod/stream/v',
    '/protected-vod/stream?/v',
    '/a%2Fv',
  ])('S21 %s/… reaches no log of Strapi', async (prefix) => {
    const { site } = await startSlowSite();
    for (const credential of [TOKEN, SESSION]) {
      const { status } = await ask(site.port, `${prefix}/${credential}/hls/main.m3u8`);
      expect(status).toBe(404);
    }
    expect(site.logged).toEqual([]);
  });

  it.each(['/v/article', '/v/a.b.c/d', '/blog/v/eyJ.x.y', '/api/protected-vod/videos/abc/playback-token'])(
    '%s is the site’s own',
    async (path) => {
      const { site } = await startSlowSite();
      expect((await ask(site.port, path)).body).toBe('Strapi');
    },
  );
});
