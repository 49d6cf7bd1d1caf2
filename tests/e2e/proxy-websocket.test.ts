import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { publishVideo, uploadFilm } from '../support/films';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { until } from '../support/until';

let site: PlaybackSite;
let video: string;

beforeAll(async () => {
  site = await startPlaybackSite();
  const source = (await uploadFilm(site.app, site.editor)).id;
  video = await publishVideo(site.app, site.editor, { source });
});

afterAll(() => site.app.stop());

/** The film's address over WS-FLV, which leads through Strapi's own port. */
async function address(): Promise<string> {
  const { urls } = await mint(site.app, video, site.viewer.jwt);
  const { host } = new URL(site.app.url);
  const url = (urls.wsFlv ?? '').replace(/^http/, 'ws');
  expect(new URL(url).host).toBe(host);
  return url;
}

function open(url: string, options: { origin?: string } = {}) {
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  const seen = { bytes: 0, head: '', closed: false, status: 0 };
  socket.on('error', () => undefined);
  socket.on('unexpected-response', (_request, response) => {
    seen.status = response.statusCode ?? 0;
    seen.closed = true;
  });
  socket.on('message', (data: Buffer) => {
    if (seen.bytes === 0) seen.head = data.subarray(0, 3).toString('latin1');
    seen.bytes += data.length;
  });
  socket.on('close', () => {
    seen.closed = true;
  });
  return { socket, seen };
}

describe("WS-FLV through Strapi's own port", () => {
  it('plays, from the page of the site too', async () => {
    const { socket, seen } = open(await address(), { origin: site.app.url });
    await until('the film comes', () => seen.bytes > 100_000);
    expect(seen.head).toBe('FLV');
    socket.close();
    await once(socket, 'close');
  });

  it('S15 is cut off when the session ends', async () => {
    const url = await address();
    const { seen } = open(url);
    await until('the film comes', () => seen.bytes > 0);
    const token = new URL(url).pathname.split('/')[4] ?? '';
    const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const { store } = site.app.strapi.plugin('protected-vod').service('playback-session');
    const row = await store.findByTokenId(jti);
    await store.end(row.session_hash, 'test');
    await until('it is cut off', () => seen.closed);
  });

  it('is refused with a forged token, and no byte of the film comes', async () => {
    const url = (await address()).replace(/[^/]+\/live\.flv/, (part) => `x${part}`);
    const { seen } = open(url);
    await until('it is refused', () => seen.closed);
    expect(seen).toMatchObject({ status: 403, bytes: 0 });
  });
});
