import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Site } from '../access/harness';
import {
  described,
  FILE_NAME,
  forwarded,
  PROXY,
  reportedBytes,
  SEGMENT_BYTES,
  startSegmentSite,
  VIEWER,
} from './segment-fixture';

const PREFIX = '/segments/';

describe('S15 X-Accel-Redirect', () => {
  let site: Site;
  let base: string;
  beforeAll(async () => {
    site = await startSegmentSite({ accelPrefix: PREFIX });
    base = `/v/${(await site.open()).sessionId}`;
  });
  afterAll(() => site.stop());

  const file = {
    'x-accel-redirect': PREFIX + FILE_NAME,
    'content-length': '0',
    'content-type': 'video/mp4',
    etag: '"s"',
  };

  it('a trusted proxy gets the name of the file, the headers and no body', async () => {
    const answer = await site.ask(`${base}/hls/source-v1/1.m4s`, forwarded(VIEWER));
    expect(answer).toMatchObject({ status: 200, headers: { ...file, 'cache-control': 'private, max-age=3600' } });
    expect(answer.headers).toMatchObject({ vary: 'Origin', 'x-content-type-options': 'nosniff' });
    expect(answer.headers['accept-ranges']).toBeUndefined();
  });

  it.each([
    ['a viewer', { from: VIEWER, headers: {} }],
    ['a viewer who claims to be a proxy', { from: VIEWER, headers: { 'x-forwarded-for': VIEWER } }],
    ['a viewer through Strapi’s proxy', forwarded(VIEWER, { 'x-protected-vod-edge': 'x'.repeat(40) })],
  ])('%s gets the segment itself', async (_who, asked) => {
    const answer = await site.ask(`${base}/hls/source-v1/1.m4s`, asked);
    expect(answer.headers['x-accel-redirect']).toBeUndefined();
    expect(answer.body).toHaveLength(SEGMENT_BYTES);
  });

  it('a proxy that asks for itself gets the segment itself', async () => {
    const sessionId = site.plugin.openSession({ addressPrefix: '127.0.3.0/24', agent: '0'.repeat(16) });
    const answer = await site.ask(`/v/${sessionId}/hls/source-v1/1.m4s`, { from: PROXY });
    expect(answer.body).toHaveLength(SEGMENT_BYTES);
  });

  it.each([
    'hls/main.m3u8',
    'hls/source-v1/media.m3u8',
    'hls/source-v1/init.mp4',
    'dash/manifest.mpd',
    'mp4',
    'download',
  ])('%s is never left to the proxy', async (resource) => {
    const answer = await site.ask(`${base}/${resource}`, forwarded(VIEWER));
    expect(answer.status).toBe(200);
    expect(answer.headers['x-accel-redirect']).toBeUndefined();
    expect(answer.body.byteLength).toBeGreaterThan(0);
  });

  it.each<[string, Record<string, string>, number]>([
    ['a Range', { range: 'bytes=0-9' }, 200],
    ['a Range that cannot be satisfied', { range: 'bytes=99999999-' }, 416],
    ['If-None-Match', { 'if-none-match': '"s"' }, 304],
    ['If-Match', { 'if-match': '"other"' }, 412],
  ])('%s: the proxy answers what has a body, the streamer the rest', async (_what, headers, status) => {
    const answer = await site.ask(`${base}/hls/source-v1/1.m4s`, forwarded(VIEWER, headers));
    expect(answer.status).toBe(status);
    expect(answer.headers['x-accel-redirect']).toBe(status === 200 ? file['x-accel-redirect'] : undefined);
  });

  it('a segment that is not there is 404, a stranger 403, neither with a file', async () => {
    for (const [resource, asked, status] of [
      ['hls/source-v1/11.m4s', forwarded(VIEWER), 404],
      ['hls/source-v1/1.m4s', { ...forwarded('127.0.9.1'), agent: 'other' }, 403],
    ] as const) {
      const answer = await site.ask(`${base}/${resource}`, asked);
      expect([answer.status, answer.headers['x-accel-redirect']]).toEqual([status, undefined]);
    }
  });
});

it('S13 what the proxy sends counts for the session as bytes and as media', async () => {
  const site = await startSegmentSite({ accelPrefix: PREFIX });
  site.plugin.terms.pace = { factor: 1, bufferSeconds: 10 };
  const { sessionId } = await site.open();
  const ask = () => site.ask(`/v/${sessionId}/hls/source-v1/1.m4s`, forwarded(VIEWER));
  expect((await ask()).status).toBe(200);
  const refused = await ask();
  expect([refused.status, refused.headers['x-accel-redirect']]).toEqual([429, undefined]);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  await site.stop();
  expect(reportedBytes(site)).toBe(SEGMENT_BYTES);
});

it('a file that was seen a moment ago is not looked for again, until the proxy misses it', async () => {
  let lookups = 0;
  const site = await startSegmentSite({ accelPrefix: PREFIX }, async () => {
    lookups += 1;
    return { ...described, fileName: FILE_NAME, path: '', sizeBytes: SEGMENT_BYTES };
  });
  const segment = `/v/${(await site.open()).sessionId}/hls/source-v1/1.m4s`;
  const answers = [];
  for (const _time of [1, 2, 3]) answers.push(await site.ask(segment, forwarded(VIEWER)));
  expect(lookups).toBe(1);
  const [first, second] = answers.map(({ headers: { date: _date, ...headers } }) => headers);
  expect(first).toMatchObject({ 'x-accel-redirect': PREFIX + FILE_NAME, 'x-content-type-options': 'nosniff' });
  expect(second).toEqual(first);
  const missed = await site.ask(segment, forwarded(VIEWER, { 'x-protected-vod-missing': '1' }));
  expect([missed.headers['x-accel-redirect'], missed.body.length]).toEqual([undefined, SEGMENT_BYTES]);
  await site.stop();
});

it('small segments, and those that have no file, are sent from memory', async () => {
  const small = await startSegmentSite({ accelPrefix: PREFIX }, async () => ({
    ...described,
    fileName: FILE_NAME,
    path: '',
    sizeBytes: 1000,
  }));
  const without = await startSegmentSite({ accelPrefix: PREFIX }, () =>
    Promise.reject(Object.assign(new Error('full'), { code: 'not-on-disk' })),
  );
  for (const site of [small, without]) {
    const answer = await site.ask(`/v/${(await site.open()).sessionId}/hls/source-v1/1.m4s`, forwarded(VIEWER));
    expect([answer.status, answer.headers['x-accel-redirect'], answer.body.length]).toEqual([
      200,
      undefined,
      SEGMENT_BYTES,
    ]);
    await site.stop();
  }
});
