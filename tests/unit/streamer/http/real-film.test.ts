import { copyFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { CLIP_PATH } from '../../../support/clips';
import { startSite } from '../access/harness';

it('every address in the playlists of a real film is served under the session, and none without it', async () => {
  const site = await startSite({ packager: 'real' });
  copyFileSync(CLIP_PATH, path.join(site.storageRoot, 'films/film.mp4'));
  site.plugin.terms.asset.renditions = [
    { id: 'source', storageKey: 'films/film.mp4', sizeBytes: statSync(CLIP_PATH).size },
  ];
  const { sessionId } = await site.open();
  const base = `/v/${sessionId}/hls/`;
  const seen = new Set<string>();
  async function walk(target: string): Promise<void> {
    if (seen.has(target)) return;
    seen.add(target);
    const answer = await site.ask(target);
    expect([target.slice(base.length), answer.status]).toEqual([target.slice(base.length), 200]);
    expect((await site.ask(target.replace(sessionId, 'x'))).status).toBe(403);
    if (!target.endsWith('.m3u8')) return;
    for (const line of answer.body.toString().split('\n')) {
      const uri = line.startsWith('#') ? /URI="([^"]+)"/.exec(line)?.[1] : line.trim();
      if (uri) await walk(new URL(uri, `http://h${target}`).pathname);
    }
  }
  await walk(`${base}main.m3u8`);
  expect(seen.size).toBeGreaterThan(5);
  const manifest = await site.ask(`/v/${sessionId}/dash/manifest.mpd`);
  expect(manifest.headers['content-type']).toBe('application/dash+xml');
  expect(await site.metric('protected_vod_packager_events_total{event="segment-cut"}')).toBeGreaterThan(0);
  await site.stop();
}, 60_000);
