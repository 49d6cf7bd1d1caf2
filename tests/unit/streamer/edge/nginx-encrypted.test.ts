import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIP_PATH } from '../../../support/clips';
import { freePort } from '../../../support/free-port';
import { type FrontServer, startNginx } from '../../../support/front-servers';
import { NGINX } from '../../../support/tools';
import { ask, type Site, startSite } from '../access/harness';

/** The sample's nginx asks from there; viewers come from another network. */
const NGINX_ADDRESS = '127.0.0.1';
const VIEWER = '127.0.7.1';
const SEGMENT = 'source-v1/2.m4s';

describe.skipIf(!NGINX).each([
  ['nginx-accel.conf', { accelPrefix: '/protected-vod-segments/' }],
  ['nginx-edge.conf', { edge: true }],
])('behind %s', (sample, settings) => {
  let site: Site;
  let front: FrontServer;

  beforeAll(async () => {
    site = await startSite({ packager: 'real', settings: { trustedProxies: [NGINX_ADDRESS], ...settings } });
    copyFileSync(CLIP_PATH, path.join(site.storageRoot, 'films/film.mp4'));
    const { size: sizeBytes } = statSync(CLIP_PATH);
    site.plugin.terms.asset.renditions = [{ id: 'source', storageKey: 'films/film.mp4', sizeBytes }];
    const scratch = path.dirname(site.storageRoot);
    const directory = path.join(scratch, 'front');
    mkdirSync(directory);
    const behind = { cacheDir: path.join(scratch, 'cache'), directory };
    const sites = { streamers: [{ port: site.port }], app: { url: 'http://127.0.0.1:9' } };
    front = await startNginx({ ...sites, ...behind }, sample, await freePort());
  });
  afterAll(async () => {
    await front?.process.stop();
    await site?.stop();
  });

  /** Under a new session; null: it is not encrypted. */
  async function fetchSegments(secret: string | null): Promise<Buffer[]> {
    if (secret === null) delete site.plugin.terms.hlsEncryption;
    else site.plugin.terms.hlsEncryption = { secret, segmentsPerKey: 1 };
    const token = await site.plugin.mint();
    const redeemed = await ask(front.port, `/v/${token}/hls/main.m3u8`, { from: VIEWER });
    expect(redeemed.status).toBe(302);
    const address = `/v/${site.plugin.sessionOf(token)}/hls/${SEGMENT}`;
    const bodies = [];
    for (const headers of [{}, {}, { range: 'bytes=0-99999' }]) {
      const { status, body } = await ask(front.port, address, { from: VIEWER, headers });
      expect(status).toBe('range' in headers ? 206 : 200);
      bodies.push(body);
    }
    return bodies;
  }

  it('an encrypted session gets no byte of the file that others are sent', async () => {
    const [clear = Buffer.alloc(0)] = await fetchSegments(null);
    expect(clear.includes('moof')).toBe(true);
    const [whole = clear, again = clear, part = clear] = await fetchSegments('A'.repeat(43));
    expect([whole.length, again.equals(whole), part.equals(whole.subarray(0, 100_000))]).toEqual([
      (Math.floor(clear.length / 16) + 1) * 16,
      true,
      true,
    ]);
    const block = (bytes: Buffer, at: number) => bytes.subarray(at, at + 16).toString('latin1');
    const blocks = Array.from({ length: Math.floor(clear.length / 16) }, (_, at) => at * 16);
    expect(blocks.filter((at) => block(whole, at) === block(clear, at))).toEqual([]);
    // And the next session, which is not encrypted, is sent the file again.
    expect((await fetchSegments(null))[0]?.equals(clear)).toBe(true);
  });
});
