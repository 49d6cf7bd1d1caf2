import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../support/until';
import type { Ask, Site } from '../access/harness';
import { FILE_NAME, forwarded, PROXY, reportedBytes, SEGMENT_BYTES, startSegmentSite, VIEWER } from './segment-fixture';

const EDGE = '/edge/authorize';

describe('the edge endpoint', () => {
  let site: Site;
  let session: string;
  beforeAll(async () => {
    site = await startSegmentSite({ edge: true });
    session = (await site.open()).sessionId;
  });
  afterAll(() => site.stop());

  const about = (uri: string, viewer = VIEWER): Ask => forwarded(viewer, { 'x-original-uri': uri });
  const segment = (credential = session) => `/v/${credential}/hls/source-v1/1.m4s`;

  it('names the file of a segment that the viewer may have, for one second', async () => {
    const answer = await site.ask(EDGE, about(segment()));
    expect(answer).toMatchObject({
      status: 204,
      headers: {
        'x-protected-vod-segment': FILE_NAME,
        etag: '"s"',
        'x-accel-expires': '1',
        'cache-control': 'private, no-store',
        vary: 'Origin',
      },
    });
    expect((await site.ask(EDGE, about(`${segment()}?x=1`))).status).toBe(204);
  });

  it('S16 is there for trusted proxies only, and only when they ask for a viewer', async () => {
    const headers = { 'x-original-uri': segment(), 'x-forwarded-for': VIEWER };
    const asked: [string, Ask][] = [
      ['a viewer', { headers }],
      ['a proxy for itself', { from: PROXY, headers: { 'x-original-uri': segment() } }],
      ['Strapi’s proxy', forwarded(VIEWER, { ...headers, 'x-protected-vod-edge': 'x'.repeat(40) })],
      ['another method', { ...about(segment()), method: 'HEAD' }],
    ];
    for (const [who, request] of asked) {
      const answer = await site.ask(EDGE, request);
      expect([who, answer.status, answer.headers['x-protected-vod-segment']]).toEqual([who, 404, undefined]);
    }
  });

  it('is not there where it is not configured', async () => {
    const other = await startSegmentSite({});
    expect((await other.ask(EDGE, about(segment()))).status).toBe(404);
    await other.stop();
  });

  it('S11 neither redeems a token nor serves one', async () => {
    const token = await site.plugin.mint();
    const before = site.plugin.introspections.length;
    expect((await site.ask(EDGE, about(segment(token)))).status).toBe(403);
    expect(site.plugin.introspections).toHaveLength(before);
    const spent = (await site.open()).token;
    expect((await site.ask(EDGE, about(segment(spent)))).status).toBe(403);
  });

  it.each([
    'hls/main.m3u8',
    'hls/source-v1/media.m3u8',
    'hls/source-v1/init.mp4',
    'dash/manifest.mpd',
    'mp4',
    'download',
    'live.flv',
    'hls/source-v1/%31.m4s',
    'hls/source-v1/../source-v1/1.m4s',
    '',
  ])('says nothing but no about "%s"', async (resource) => {
    const answer = await site.ask(EDGE, about(`/v/${session}/${resource}`));
    expect([answer.status, answer.headers['x-accel-expires']]).toEqual([403, '0']);
  });

  it.each([
    ['no credential', '', 401],
    ['garbage', 'x', 403],
    ['a forged session', `ps_${'A'.repeat(40)}`, 403],
  ])('%s is refused with the status of the streamer', async (_what, credential, status) => {
    const answer = await site.ask(EDGE, about(segment(credential)));
    expect(answer.status).toBe(status);
    expect(answer.status).toBe((await site.ask(segment(credential))).status);
    expect(answer.headers['x-accel-expires']).toBe('0');
  });

  it('a missing address is refused, and one that came twice', async () => {
    expect((await site.ask(EDGE, forwarded(VIEWER))).status).toBe(403);
    const twice = forwarded(VIEWER, { 'x-original-uri': `${segment()}, ${segment()}` });
    expect((await site.ask(EDGE, twice)).status).toBe(403);
  });

  it('S11 another client is refused, and the rightmost stranger is who asks', async () => {
    const other = { ...about(segment(), '127.0.9.1'), agent: 'other' };
    expect((await site.ask(EDGE, other)).status).toBe(403);
    const forging = { ...about(segment(), `${VIEWER}, 127.0.9.1`), agent: 'other' };
    expect((await site.ask(EDGE, forging)).status).toBe(403);
    expect((await site.ask(EDGE, about(segment(), `127.0.9.1, ${VIEWER}`))).status).toBe(204);
  });

  it('a segment that is not there is 404', async () => {
    expect((await site.ask(EDGE, about(`/v/${session}/hls/source-v1/11.m4s`))).status).toBe(404);
  });

  it('an ended session is refused at once', async () => {
    const { sessionId } = await site.open();
    expect((await site.ask(EDGE, about(segment(sessionId)))).status).toBe(204);
    site.plugin.end(sessionId);
    await until('it is refused', async () => (await site.ask(EDGE, about(segment(sessionId)))).status === 403);
  });
});

it('S13 each permission counts: bytes and media of the whole segment, and then 429', async () => {
  const site = await startSegmentSite({ edge: true });
  site.plugin.terms.pace = { factor: 1, bufferSeconds: 10 };
  const { sessionId } = await site.open();
  const ask = () =>
    site.ask(EDGE, forwarded(VIEWER, { 'x-original-uri': `/v/${sessionId}/hls/source-v1/1.m4s`, range: 'bytes=0-9' }));
  expect((await ask()).status).toBe(204);
  const refused = await ask();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  site.advance(10);
  expect((await ask()).status).toBe(204);
  await site.stop();
  expect(reportedBytes(site)).toBe(2 * SEGMENT_BYTES);
});

it('without a file the answer is 404, and the streamer still serves the segment itself', async () => {
  const site = await startSegmentSite({ edge: true }, () =>
    Promise.reject(Object.assign(new Error('full'), { code: 'not-on-disk' })),
  );
  const { sessionId } = await site.open();
  const address = `/v/${sessionId}/hls/source-v1/1.m4s`;
  expect((await site.ask(EDGE, forwarded(VIEWER, { 'x-original-uri': address }))).status).toBe(404);
  expect((await site.ask(address, forwarded(VIEWER))).body).toHaveLength(SEGMENT_BYTES);
  expect(site.logLines.join('')).not.toContain('request failed');
  await site.stop();
});

it.each([
  ['seen a moment ago', 1, 10],
  ['each looked for', 10, 1],
])('the session that asks for segments %s holds nothing open afterwards', async (_what, segments, times) => {
  const site = await startSegmentSite({ edge: true, maxResponsesPerSession: 2 });
  const { sessionId } = await site.open();
  for (let turn = 0; turn < segments * times; turn += 1) {
    const headers = { 'x-original-uri': `/v/${sessionId}/hls/source-v1/${1 + (turn % segments)}.m4s` };
    expect((await site.ask(EDGE, forwarded(VIEWER, headers))).status).toBe(204);
  }
  await site.stop();
});

it('S20 a fault is told with the headers of every answer, and leaves nothing open', async () => {
  const site = await startSegmentSite({ edge: true, maxResponsesPerSession: 2 }, () =>
    Promise.reject(new Error('broken')),
  );
  const { sessionId } = await site.open();
  for (let turn = 0; turn < 5; turn += 1) {
    const headers = { 'x-original-uri': `/v/${sessionId}/hls/source-v1/1.m4s` };
    const answer = await site.ask(EDGE, forwarded(VIEWER, headers));
    expect([answer.status, answer.headers['x-content-type-options']]).toEqual([500, 'nosniff']);
    expect(answer.headers['x-protected-vod-segment']).toBeUndefined();
  }
  await site.stop();
});

it('S20 a permission names a listed origin, and no other', async () => {
  const site = await startSegmentSite({ edge: true, corsOrigins: ['https://site.example'] });
  const { sessionId } = await site.open();
  const permittedOrigin = async (origin: string) => {
    const headers = { 'x-original-uri': `/v/${sessionId}/hls/source-v1/1.m4s`, origin };
    const answer = await site.ask(EDGE, forwarded(VIEWER, headers));
    return [answer.status, answer.headers.vary, answer.headers['access-control-allow-origin']];
  };
  expect(await permittedOrigin('https://site.example')).toEqual([204, 'Origin', 'https://site.example']);
  expect(await permittedOrigin('https://other.example')).toEqual([204, 'Origin', undefined]);
  await site.stop();
});
