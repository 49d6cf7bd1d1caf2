import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../support/until';
import { type Answer, type Ask, plainPackager, type Site, startSite } from '../access/harness';

const ORIGIN = 'https://site.example';
const BYTES = Buffer.alloc(3000, 7);
const KEPT = { connection: 'keep-alive' };
const SEGMENT = { bytes: BYTES, durationSeconds: 6, mime: 'video/mp4', etag: '"s1"' };

/** How often each way was taken. */
const taken = { memory: 0, otherwise: 0 };
const inMemory = {
  ...plainPackager,
  segmentInMemory: () => {
    taken.memory += 1;
    return SEGMENT;
  },
  segment: async () => {
    taken.otherwise += 1;
    return SEGMENT;
  },
};

let short: Site;
let long: Site;
beforeAll(async () => {
  const settings = { corsOrigins: [ORIGIN] };
  short = await startSite({ settings, overrides: { packager: inMemory } });
  long = await startSite({ settings, overrides: { packager: { ...inMemory, segmentInMemory: () => null } } });
});
afterAll(async () => {
  await short.stop();
  await long.stop();
});

const withoutDate = ({ status, headers: { date, ...headers }, body }: Answer) => ({ status, headers, body });

describe('a segment that lies in memory', () => {
  it.each<[string, Ask]>([
    ['a plain GET', {}],
    ['a plain GET on a connection that is kept', { headers: KEPT }],
    ['a GET from a listed origin', { headers: { origin: ORIGIN } }],
    ['a GET from a listed origin on a connection that is kept', { headers: { origin: ORIGIN, ...KEPT } }],
    ['a GET from another origin', { headers: { origin: 'https://evil.example' } }],
    ['a range', { headers: { range: 'bytes=10-19' } }],
    ['a range behind the end', { headers: { range: 'bytes=3000-' } }],
    ['a copy that is still good', { headers: { 'if-none-match': '"s1"' } }],
    ['a copy that is not', { headers: { 'if-none-match': '"s0"' } }],
    ['a precondition that fails', { headers: { 'if-match': '"s0"' } }],
    ['an If-Range that does not match', { headers: { 'if-range': '"s0"', range: 'bytes=10-19' } }],
    ['HEAD', { method: 'HEAD' }],
  ])('S20 %s is answered as from anywhere else, header by header', async (_what, asked) => {
    const answers = await Promise.all(
      [short, long].map(async (site) => {
        const { sessionId } = await site.open();
        return withoutDate(await site.ask(`/v/${sessionId}/hls/source-v1/1.m4s`, asked));
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.headers['x-content-type-options']).toBe('nosniff');
  });

  it('says its date and how long a connection is kept, as every answer does', async () => {
    const { sessionId } = await short.open();
    const { headers } = await short.ask(`/v/${sessionId}/hls/source-v1/1.m4s`, { headers: KEPT });
    expect([headers.connection, headers['keep-alive']]).toEqual(['keep-alive', 'timeout=30']);
    expect(Date.parse(headers.date ?? '')).not.toBeNaN();
  });

  it('is sent at once for a plain GET', async () => {
    const { sessionId } = await short.open();
    const before = { ...taken };
    expect((await short.ask(`/v/${sessionId}/hls/source-v1/1.m4s`)).body.equals(BYTES)).toBe(true);
    expect([taken.memory - before.memory, taken.otherwise - before.otherwise]).toEqual([1, 0]);
  });

  it('is looked for behind the gate only: unknown, ended, another network, another protocol', async () => {
    const { sessionId } = await short.open();
    const ended = await short.open();
    expect((await short.ask(`/v/${ended.sessionId}/hls/source-v1/1.m4s`)).status).toBe(200);
    short.plugin.end(ended.sessionId);
    const endedStatus = async () => (await short.ask(`/v/${ended.sessionId}/hls/source-v1/1.m4s`)).status;
    await until('the end has arrived', async () => (await endedStatus()) === 403);
    const before = { ...taken };
    const statuses = [
      await short.ask(`/v/ps_${'a'.repeat(40)}/hls/source-v1/1.m4s`),
      await short.ask(`/v/${ended.sessionId}/hls/source-v1/1.m4s`),
      await short.ask(`/v/${sessionId}/hls/source-v1/1.m4s`, { from: '127.0.1.1', agent: 'other' }),
      await short.ask(`/v/${sessionId}/hls/other-v1/1.m4s`),
    ].map(({ status }) => status);
    expect(statuses).toEqual([403, 403, 403, 403]);
    expect(taken).toEqual(before);
  });

  it('S13 waits its turn too', async () => {
    const site = await startSite({ overrides: { packager: inMemory } });
    site.plugin.terms.pace = { factor: 1, bufferSeconds: 13 };
    const { sessionId } = await site.open();
    const statuses: number[] = [];
    for (const number of [1, 2, 3])
      statuses.push((await site.ask(`/v/${sessionId}/hls/source-v1/${number}.m4s`)).status);
    expect(statuses).toEqual([200, 200, 429]);
    await site.stop();
  });

  it('is counted, and told in the log at level debug only', async () => {
    const { sessionId } = await short.open();
    const before = await short.metric('protected_vod_http_requests_total{route="segment",status="200"}');
    await short.ask(`/v/${sessionId}/hls/source-v1/1.m4s`);
    expect(await short.metric('protected_vod_http_requests_total{route="segment",status="200"}')).toBe(before + 1);
    const lines = short.logLines.map((line) => JSON.parse(line)).filter(({ route }) => route === 'segment');
    const DEBUG = 20;
    expect(new Set(lines.filter(({ status }) => status < 400).map(({ level }) => level))).toEqual(new Set([DEBUG]));
  });
});
