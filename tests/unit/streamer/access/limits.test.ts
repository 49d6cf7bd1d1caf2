import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../../support/until';
import { readSlowly, request, type Site, type SiteOptions, startSite } from './harness';

describe('S13 one session', () => {
  let site: Site;
  const start = async (options: SiteOptions = {}, pace = { factor: 1000, bufferSeconds: 100_000 }) => {
    site = await startSite(options);
    site.plugin.terms.pace = pace;
    return (await site.open()).sessionId;
  };
  afterEach(() => site.stop());

  it('has at most eight responses at a time; the ninth is told to come back', async () => {
    const sessionId = await start({ filmBytes: 32 * 1024 * 1024 });
    const running = Array.from({ length: 8 }, () => readSlowly(site.port, `/v/${sessionId}/mp4`));
    await Promise.all(running.map(({ started }) => started));
    const ninth = await site.ask(`/v/${sessionId}/mp4`);
    expect(ninth.status).toBe(429);
    expect(ninth.headers['retry-after']).toBe('1');
    running[0]?.destroy();
    const again = async () =>
      (await site.ask(`/v/${sessionId}/mp4`, { headers: { range: 'bytes=0-0' } })).status === 206;
    await until('a place is free again', again);
    for (const reader of running) reader.destroy();
  });

  it('gets no more media seconds than elapsed × factor + buffer', async () => {
    const sessionId = await start({}, { factor: 2, bufferSeconds: 13 });
    const segment = async (track: string, number: number) => site.ask(`/v/${sessionId}/hls/${track}/${number}.m4s`);
    expect((await segment('source-v1', 1)).status).toBe(200);
    expect((await segment('source-v1', 2)).status).toBe(200);
    const third = await segment('source-v1', 3);
    expect(third.status).toBe(429);
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
    // Sound of the same minutes is not counted again.
    expect((await segment('source-a1', 1)).status).toBe(200);
    expect((await segment('source-a1', 2)).status).toBe(200);
    expect((await segment('source-a1', 3)).status).toBe(429);
    site.advance(3);
    expect((await segment('source-v1', 3)).status).toBe(200);
    expect((await segment('source-v1', 4)).status).toBe(429);
  });

  it('init segments, HEAD, unchanged copies and playlists cost no media seconds', async () => {
    const sessionId = await start({}, { factor: 0.001, bufferSeconds: 6 });
    const path = `/v/${sessionId}/hls/source-v1`;
    for (let count = 0; count < 5; count += 1) {
      expect((await site.ask(`${path}/init.mp4`)).status).toBe(200);
      expect((await site.ask(`${path}/media.m3u8`)).status).toBe(200);
      expect((await site.ask(`${path}/1.m4s`, { method: 'HEAD' })).status).toBe(200);
      expect((await site.ask(`${path}/1.m4s`, { headers: { 'if-none-match': '"s1"' } })).status).toBe(304);
    }
    expect((await site.ask(`${path}/1.m4s`)).status).toBe(200);
    expect((await site.ask(`${path}/2.m4s`)).status).toBe(429);
  });

  it('a part of a segment counts by its share', async () => {
    const sessionId = await start({}, { factor: 0.001, bufferSeconds: 6 });
    const part = (first: number) =>
      site.ask(`/v/${sessionId}/hls/source-v1/1.m4s`, { headers: { range: `bytes=${first}-${first + 499}` } });
    expect((await part(0)).status).toBe(206);
    expect((await part(500)).status).toBe(206);
    expect((await part(0)).status).toBe(429);
  });

  it('a progressive answer is slowed down to the pace, a download is not', async () => {
    const filmBytes = 4 * 1024 * 1024;
    const sessionId = await start({ filmBytes }, { factor: 0.001, bufferSeconds: 30 });
    expect((await site.ask(`/v/${sessionId}/download`)).body.length).toBe(filmBytes);
    let received = 0;
    const slow = request(site.port, `/v/${sessionId}/mp4`);
    slow.on('error', () => undefined);
    slow.on('response', (response) =>
      response.on('error', () => undefined).on('data', (chunk) => (received += chunk.length)),
    );
    slow.end();
    // 30 of 60 seconds are half of the bytes.
    await until('the buffer is used up', () => received === filmBytes / 2);
    const reported = site.plugin.syncs.length;
    await until('time passes', () => site.plugin.syncs.length > reported + 3);
    expect(received).toBe(filmBytes / 2);
    slow.destroy();
  });
});
