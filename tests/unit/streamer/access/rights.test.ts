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

const SUBSETS: Protocol[][] = Array.from({ length: 2 ** PROTOCOLS.length }, (_, bits) =>
  PROTOCOLS.filter((_protocol, at) => (bits >> at) & 1),
);

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
    for (const path of ['mp4', 'download', 'hls/source-v1/media.m3u8', 'dash/source-v1/1.m4s']) {
      expect([path, (await site.ask(`/v/${sessionId}/${path}`)).status]).toEqual([path, 403]);
    }
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
