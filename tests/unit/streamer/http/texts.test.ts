import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientAt, type Site, startSite } from '../access/harness';

const VTT = 'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n';
const FOLDER = 'films/film.mp4.vod';

let site: Site;
let sessionId: string;

const file = (name: string, version: string) => ({ storageKey: `${FOLDER}/${name}`, sizeBytes: VTT.length, version });
const text = (id: string, changes = {}) => ({
  ...{ id, kind: 'subtitles' as const, language: 'de', label: id, default: false },
  ...{ file: file(`text-${id}.vtt`, `version-of-${id}`) },
  ...changes,
});
const at = (name: string) => site.ask(`/v/${sessionId}/${name}`);

beforeAll(async () => {
  site = await startSite();
  mkdirSync(path.join(site.storageRoot, FOLDER), { recursive: true });
  for (const name of ['text-e1.vtt', 'text-chapters.vtt', 'waveform.json']) {
    writeFileSync(path.join(site.storageRoot, FOLDER, name), name === 'text-chapters.vtt' ? 'WEBVTT\n\n' : VTT);
  }
  writeFileSync(path.join(site.storageRoot, FOLDER, 'text-broken.vtt'), 'no text');
  Object.assign(site.plugin.terms.asset, {
    textTracks: [text('e1'), text('gone'), text('broken'), text('chapters', { kind: 'chapters' })],
    waveform: file('waveform.json', 'version-of-sound'),
  });
  sessionId = site.plugin.openSession(clientAt('127.0.0.1'));
});
afterAll(() => site.stop());

describe('texts under a session', () => {
  it.each([
    ['text/e1.vtt', 'text/vtt; charset=utf-8', VTT],
    ['chapters.vtt', 'text/vtt; charset=utf-8', 'WEBVTT\n\n'],
    ['waveform.json', 'application/json', VTT],
    ['hls/text/e1/media.m3u8', 'application/vnd.apple.mpegurl', expect.stringContaining('\n1.vtt\n')],
    ['hls/text/e1/1.vtt', 'text/vtt; charset=utf-8', expect.stringMatching(/^WEBVTT\nX-TIMESTAMP-MAP=[\s\S]*Hello\n$/)],
  ])('GET %s answers it with a fixed type, and no cache may keep it', async (name, type, body) => {
    const { status, headers, body: bytes } = await at(name);
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, type, 'private, no-store']);
    expect(bytes.toString()).toEqual(body);
    const again = await site.ask(`/v/${sessionId}/${name}`, { headers: { 'if-none-match': String(headers.etag) } });
    expect(again.status).toBe(304);
  });

  it('S14 GET a text that is not in the grant answers 403, whatever lies beside the film', async () => {
    for (const name of ['text/e2.vtt', 'hls/text/e2/media.m3u8', 'hls/text/e2/1.vtt']) {
      expect([name, (await at(name)).status]).toEqual([name, 403]);
    }
  });

  it('S14 over HLS it is refused to whom HLS is not granted; the file is not', async () => {
    site.plugin.terms.protocols = ['mp4'];
    const session = site.plugin.openSession(clientAt('127.0.0.1'));
    const status = async (name: string) => (await site.ask(`/v/${session}/${name}`)).status;
    expect(await status('hls/text/e1/media.m3u8')).toBe(403);
    expect(await status('hls/text/e1/1.vtt')).toBe(403);
    expect(await status('text/e1.vtt')).toBe(200);
    site.plugin.terms.protocols = ['hls', 'dash', 'mp4'];
  });

  it('are not encrypted where picture and sound are: no key is named, and segments are what they were', async () => {
    site.plugin.terms.hlsEncryption = { secret: 'A'.repeat(43), segmentsPerKey: 10 };
    const session = site.plugin.openSession(clientAt('127.0.0.1'));
    const bodyOf = async (name: string) => (await site.ask(`/v/${session}/${name}`)).body.toString();
    expect(await bodyOf('hls/source-v1/media.m3u8')).toContain('#EXT-X-KEY');
    expect(await bodyOf('hls/text/e1/media.m3u8')).not.toContain('#EXT-X-KEY');
    expect(await bodyOf('hls/text/e1/1.vtt')).toContain('Hello');
    Reflect.deleteProperty(site.plugin.terms, 'hlsEncryption');
  });

  it('a segment after the last, a text that is gone from the storage or damaged is 404', async () => {
    for (const name of ['hls/text/e1/99.vtt', 'text/gone.vtt', 'hls/text/gone/1.vtt', 'hls/text/broken/1.vtt']) {
      expect([name, (await at(name)).status]).toEqual([name, 404]);
    }
  });

  it('are told in the playlists only while the grant has them', async () => {
    expect((await at('hls/main.m3u8')).body.toString()).toContain('URI="text/e1/media.m3u8"');
    expect((await at('dash/manifest.mpd')).body.toString()).toContain('<BaseURL>../text/e1.vtt</BaseURL>');
    const { textTracks: _, ...bare } = site.plugin.terms.asset;
    const session = site.plugin.openSession(clientAt('127.0.0.1'), bare);
    for (const name of ['hls/main.m3u8', 'dash/manifest.mpd']) {
      expect((await site.ask(`/v/${session}/${name}`)).body.toString()).not.toContain('text/');
    }
    expect((await site.ask(`/v/${session}/chapters.vtt`)).status).toBe(404);
    // Under the old one they are still there.
    expect((await at('hls/main.m3u8')).body.toString()).toContain('URI="text/e1/media.m3u8"');
  });
});
