import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AddressedResource,
  formatResource,
  PROTOCOLS,
  type Protocol,
  protocolOf,
} from '../../../../server/contracts';
import { until } from '../../../support/until';
import { clientAt, type Site, startSite } from './harness';

const RESOURCES: AddressedResource[] = [
  { kind: 'multivariant-playlist' },
  { kind: 'manifest' },
  { kind: 'media-playlist', track: 'source-v1' },
  { kind: 'init-segment', protocol: 'hls', track: 'source-v1' },
  { kind: 'init-segment', protocol: 'dash', track: 'source-a1' },
  { kind: 'segment', protocol: 'hls', track: 'source-v1', number: 1 },
  { kind: 'segment', protocol: 'dash', track: 'source-v1', number: 10 },
  { kind: 'segment-key', track: 'source-v1', number: 1 },
  { kind: 'progressive' },
  { kind: 'download' },
];

/** None and all, each alone, and all but each: what one protocol may do does not hang on another. */
const SUBSETS: Protocol[][] = [
  [],
  [...PROTOCOLS],
  ...PROTOCOLS.flatMap((one) => [[one], PROTOCOLS.filter((other) => other !== one)]),
];

describe('S14 the grant decides on every request', () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
    site.plugin.terms.hlsEncryption = { secret: 'A'.repeat(43), segmentsPerKey: 10 };
  });
  afterAll(() => site.stop());

  const cases = SUBSETS.flatMap((protocols) => [true, false].map((download) => ({ protocols, download })));
  // A network of its own for each case: the bucket of signature checks is not what is looked at here (S3).
  const networkOf = (wanted: { protocols: Protocol[]; download: boolean }) =>
    `127.1.${cases.findIndex((one) => JSON.stringify(one) === JSON.stringify(wanted))}.1`;
  it.each(cases)('whatever the playlists list: %j', async ({ protocols, download }) => {
    Object.assign(site.plugin.terms, { protocols, download });
    const sessionId = site.plugin.openSession(clientAt('127.0.0.1'));
    for (const resource of RESOURCES) {
      const protocol = protocolOf(resource);
      const permitted = protocol === null ? download : protocols.includes(protocol);
      for (const method of ['GET', 'HEAD']) {
        const answer = await site.ask(`/v/${sessionId}/${formatResource(resource)}`, { method });
        expect([resource, method, answer.status]).toEqual([resource, method, permitted ? 200 : 403]);
      }
      const token = await site.plugin.mint();
      const from = networkOf({ protocols, download });
      const redeemed = await site.ask(`/v/${token}/${formatResource(resource)}`, { from });
      expect([resource, redeemed.status]).toEqual([resource, permitted ? 302 : 403]);
      expect(redeemed.headers.location === undefined).toBe(!permitted);
    }
  });

  it('a rendition that is not granted is refused, a track or segment that does not exist is 404', async () => {
    Object.assign(site.plugin.terms, { protocols: ['hls', 'dash', 'mp4'], download: true });
    const { sessionId } = await site.open();
    expect((await site.ask(`/v/${sessionId}/hls/hd-v1/1.m4s`)).status).toBe(403);
    for (const path of [
      'hls/source-v2/1.m4s',
      'hls/source-v1/11.m4s',
      'hls/source-v2/media.m3u8',
      'hls/source-v2/init.mp4',
      'x',
    ]) {
      expect([path, (await site.ask(`/v/${sessionId}/${path}`)).status]).toEqual([path, 404]);
    }
  });

  it('the upload itself is refused where only other renditions are granted, whatever the protocols', async () => {
    Object.assign(site.plugin.terms, { protocols: [...PROTOCOLS], download: true });
    const { asset } = site.plugin.terms;
    const lower = asset.renditions.map((rendition) => ({ ...rendition, id: 'r720' }));
    const sessionId = site.plugin.openSession(clientAt('127.0.0.1'), { ...asset, renditions: lower });
    for (const path of ['hls/source-v1/media.m3u8', 'dash/source-v1/1.m4s', 'hls/source-a1/1.m4s']) {
      expect([path, (await site.ask(`/v/${sessionId}/${path}`)).status]).toEqual([path, 403]);
    }
    // It passes the gate; there is no such track.
    expect((await site.ask(`/v/${sessionId}/hls/r720-v1/media.m3u8`)).status).toBe(404);
  });

  it('a session keeps the renditions that it began with; those that were made since are for the next one', async () => {
    const { terms } = site.plugin;
    const { asset } = terms;
    Object.assign(terms, { protocols: ['hls'], download: true });
    const { sessionId } = await site.open();
    const rung = { id: 'r360', storageKey: 'library/film.mp4.vod/360p.mp4', sizeBytes: 1, height: 360 };
    Object.assign(terms, { asset: { ...asset, renditions: [...asset.renditions, rung] }, download: false });
    const isRefused = async () => (await site.ask(`/v/${sessionId}/download`)).status === 403;
    // A download that runs when the right goes is cut.
    await until('it was renewed', () => isRefused().catch(() => false));
    const status = async (id: string, track: string) => (await site.ask(`/v/${id}/hls/${track}/media.m3u8`)).status;
    expect([await status(sessionId, 'source-v1'), await status(sessionId, 'r360-v1')]).toEqual([200, 403]);
    const next = await site.open();
    // It passes the gate; there is no such track.
    expect(await status(next.sessionId, 'r360-v1')).toBe(404);
    Object.assign(terms, { asset });
  });

  it('a right withdrawn by a renewal is gone for the next request', async () => {
    Object.assign(site.plugin.terms, { protocols: ['hls', 'dash', 'mp4'], download: true });
    const { sessionId } = await site.open();
    expect((await site.ask(`/v/${sessionId}/download`)).status).toBe(200);
    site.plugin.terms.download = false;
    // A download that runs when the right goes is cut.
    const refused = () =>
      site
        .ask(`/v/${sessionId}/download`)
        .then(({ status }) => status === 403)
        .catch(() => false);
    await until('the download is refused', refused);
    expect((await site.ask(`/v/${sessionId}/mp4`)).status).toBe(200);
  });
});
