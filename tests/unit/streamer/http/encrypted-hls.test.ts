import { createDecipheriv } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../support/until';
import { type Ask, plainPackager, type Site, startSite } from '../access/harness';
import { forwarded, PROXY, VIEWER } from '../edge/segment-fixture';

const CLEAR = Buffer.alloc(700_001, 'a film that nobody has seen ');
const SEGMENT = { bytes: CLEAR, durationSeconds: 6, mime: 'video/mp4', etag: '"s1"' };
const PREFIX = '/segments/';
const secretOf = (fill: number) => Buffer.alloc(32, fill).toString('base64url');

let fileLookups = 0;
let cuts = 0;
/** In memory and on disk alike, so that every way that could send a segment as it is would have one. */
const packager = {
  ...plainPackager,
  segmentInMemory: () => SEGMENT,
  segment: async (_asset: unknown, track: string, number: number) => {
    cuts += 1;
    return /^source-[va]1$/.test(track) && number <= 10 ? SEGMENT : null;
  },
  segmentFile: async () => {
    fileLookups += 1;
    const { bytes, ...described } = SEGMENT;
    return { ...described, fileName: `${'a'.repeat(64)}.m4s`, path: '', sizeBytes: bytes.length };
  },
};

let site: Site;
beforeAll(async () => {
  const settings = { trustedProxies: [PROXY], accelPrefix: PREFIX, edge: true };
  site = await startSite({ settings, overrides: { packager } });
});
afterAll(() => site.stop());

/** A session of its own secret; keys change with every fourth segment. */
async function open(fill: number): Promise<string> {
  site.plugin.terms.hlsEncryption = { secret: secretOf(fill), segmentsPerKey: 4 };
  return (await site.open()).sessionId;
}

const hls = (session: string, resource: string, how: Ask = {}) => site.ask(`/v/${session}/hls/${resource}`, how);

interface KeyLine {
  uri: string;
  iv: Buffer;
}

async function keyLines(session: string, track = 'source-v1'): Promise<KeyLine[]> {
  const text = (await hls(session, `${track}/media.m3u8`)).body.toString();
  const lines = text.matchAll(/^#EXT-X-KEY:METHOD=AES-128,URI="([^"]+)",IV=0x([0-9a-f]{32})$/gm);
  return [...lines].map(([, uri = '', iv = '']) => ({ uri, iv: Buffer.from(iv, 'hex') }));
}

function decrypt(bytes: Buffer, key: Buffer, iv: Buffer): Buffer {
  const decipher = createDecipheriv('aes-128-cbc', key, iv);
  return Buffer.concat([decipher.update(bytes), decipher.final()]);
}

describe('HLS of an encrypted session', () => {
  let session: string;
  beforeAll(async () => {
    session = await open(1);
  });

  it('its playlist names a key and an IV for each four segments, and the segments are read with them', async () => {
    const keys = await keyLines(session);
    expect(keys.map(({ uri }) => uri)).toEqual(['key/1.key', 'key/2.key', 'key/3.key']);
    for (const [number, at] of [
      [1, 0],
      [4, 0],
      [5, 1],
      [10, 2],
    ] as const) {
      const { uri, iv } = keys[at] ?? { uri: '', iv: Buffer.alloc(0) };
      const key = await hls(session, `source-v1/${uri}`);
      expect(key).toMatchObject({
        status: 200,
        headers: { 'content-type': 'application/octet-stream', 'cache-control': 'private, no-store' },
      });
      expect(key.body).toHaveLength(16);
      const segment = await hls(session, `source-v1/${number}.m4s`);
      expect(decrypt(segment.body, key.body, iv).equals(CLEAR)).toBe(true);
    }
  });

  it('its init segment is sent as it is, and the playlist says so by naming it before any key', async () => {
    const text = (await hls(session, 'source-v1/media.m3u8')).body.toString();
    expect(text.indexOf('#EXT-X-MAP')).toBeLessThan(text.indexOf('#EXT-X-KEY'));
    expect((await hls(session, 'source-v1/init.mp4')).body.toString()).toBe('init source-v1');
  });

  it('S19 length and validator are those of what is sent, and differ from those of the clear segment', async () => {
    const whole = await hls(session, 'source-v1/1.m4s');
    expect(whole).toMatchObject({ status: 200, headers: { 'content-length': '700016', 'accept-ranges': 'bytes' } });
    expect(whole.headers.etag).toMatch(/^"[A-Za-z0-9_-]{22}"$/);
    const status = async (headers: Record<string, string>) =>
      (await hls(session, 'source-v1/1.m4s', { headers })).status;
    expect(await status({ 'if-none-match': String(whole.headers.etag) })).toBe(304);
    expect(await status({ 'if-none-match': SEGMENT.etag })).toBe(200);
    expect(await status({ 'if-match': SEGMENT.etag })).toBe(412);
    const head = await hls(session, 'source-v1/1.m4s', { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '700016', 0]);
  });

  it.each([
    [0, 0],
    [0, 699_999],
    [262_143, 262_144],
    [524_288, 524_289],
    [700_000, 700_015],
  ])('bytes %d to %d are those of the whole', async (first, last) => {
    const whole = (await hls(session, 'source-v1/1.m4s')).body;
    const part = await hls(session, 'source-v1/1.m4s', { headers: { range: `bytes=${first}-${last}` } });
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes ${first}-${last}/700016`]);
    expect(part.body.equals(whole.subarray(first, last + 1))).toBe(true);
  });

  it('another session gets other bytes, under another validator and another key', async () => {
    const other = await open(2);
    const [mine, theirs] = [await hls(session, 'source-v1/1.m4s'), await hls(other, 'source-v1/1.m4s')];
    expect(theirs.body.equals(mine.body)).toBe(false);
    expect(theirs.headers.etag).not.toBe(mine.headers.etag);
    const theirKey = (await hls(other, 'source-v1/key/1.key')).body;
    const [{ iv } = { iv: Buffer.alloc(16) }] = await keyLines(session);
    const decipher = createDecipheriv('aes-128-cbc', theirKey, iv).setAutoPadding(false);
    expect(decipher.update(mine.body).includes('film')).toBe(false);
  });

  it('S14 a key that no segment has, and a key of a track that is not there, are 404', async () => {
    for (const [resource, status] of [
      ['source-v1/key/4.key', 404],
      ['source-v2/key/1.key', 404],
      ['hd-v1/key/1.key', 403],
    ] as const) {
      expect([resource, (await hls(session, resource)).status]).toEqual([resource, status]);
    }
  });

  it('S14 keys are refused without a credential, to another client, and after the end', async () => {
    const ended = await open(3);
    expect((await hls(ended, 'source-v1/key/1.key')).status).toBe(200);
    expect((await hls('', 'source-v1/key/1.key')).status).toBe(401);
    expect((await hls('x', 'source-v1/key/1.key')).status).toBe(403);
    expect((await hls(ended, 'source-v1/key/1.key', { from: '127.0.1.1', agent: 'other' })).status).toBe(403);
    site.plugin.end(ended);
    await until('the end has arrived', async () => (await hls(ended, 'source-v1/key/1.key')).status === 403);
  });

  it('DASH is not concerned, and leaves memory as it does for others', async () => {
    const before = cuts;
    expect((await site.ask(`/v/${session}/dash/source-v1/1.m4s`)).body.equals(CLEAR)).toBe(true);
    expect(cuts).toBe(before);
  });
});

describe('no proxy is told of a file of an encrypted session', () => {
  it.each(['hls', 'dash'])('%s', async (protocol) => {
    const segment = `/v/${await open(4)}/${protocol}/source-v1/1.m4s`;
    // The files are known, as they are while others watch the film as it is.
    delete site.plugin.terms.hlsEncryption;
    const plain = `/v/${(await site.open()).sessionId}/${protocol}/source-v1/1.m4s`;
    expect((await site.ask(plain, forwarded(VIEWER))).headers['x-accel-redirect']).toMatch(PREFIX);
    const about = (uri: string) => site.ask('/edge/authorize', forwarded(VIEWER, { 'x-original-uri': uri }));
    expect((await about(plain)).status).toBe(204);

    const before = fileLookups;
    for (const headers of [{}, { range: 'bytes=0-9' }]) {
      const answer = await site.ask(segment, forwarded(VIEWER, headers));
      expect(answer.headers['x-accel-redirect']).toBeUndefined();
      expect(answer.body.length).toBeGreaterThan(0);
    }
    const answer = await about(segment);
    expect([answer.status, answer.headers['x-protected-vod-segment'], answer.headers['x-accel-expires']]).toEqual([
      404,
      undefined,
      '0',
    ]);
    expect(fileLookups).toBe(before);
  });
});

it('without encryption there is no key, and no playlist names one', async () => {
  delete site.plugin.terms.hlsEncryption;
  const { sessionId } = await site.open();
  expect(await keyLines(sessionId)).toEqual([]);
  expect((await hls(sessionId, 'source-v1/key/1.key')).status).toBe(404);
  expect((await hls(sessionId, 'source-v1/1.m4s')).body.equals(CLEAR)).toBe(true);
});

it('S13 an encrypted segment waits its turn, and a range costs as much as the whole', async () => {
  const paced = await startSite({ overrides: { packager } });
  paced.plugin.terms.pace = { factor: 1, bufferSeconds: 13 };
  paced.plugin.terms.hlsEncryption = { secret: secretOf(1), segmentsPerKey: 1 };
  const { sessionId } = await paced.open();
  const statuses: number[] = [];
  for (const number of [1, 2, 3]) {
    const headers = { range: 'bytes=0-0' };
    statuses.push((await paced.ask(`/v/${sessionId}/hls/source-v1/${number}.m4s`, { headers })).status);
  }
  expect(statuses).toEqual([206, 206, 429]);
  await paced.stop();
});
