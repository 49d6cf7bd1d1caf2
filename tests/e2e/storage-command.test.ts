import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { picturesOf } from '../clients/flv.mjs';
import { mediaPlaylistUrls, playHls, segmentUrls } from '../clients/hls.mjs';
import { publishVideo, uploadFilm } from '../support/films';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { compileApp, startStorageCommand } from '../support/storage-command';

const ASSET_UID = 'plugin::protected-vod.asset';
const FILMS = 6;
const PICTURES = 720;

let site: PlaybackSite;
let video: string;

const hashOf = ({ bytes }: { bytes: Buffer }) => createHash('sha256').update(bytes).digest('hex');
const storage = (...args: string[]) => startStorageCommand(args).result;

async function urls(): Promise<{ hls: string; httpFlv: string }> {
  return (await mint(site.app, video, site.viewer.jwt)).urls as { hls: string; httpFlv: string };
}

async function libraryFiles(): Promise<string[]> {
  const entries = await readdir(path.join(site.app.storageRoot, 'library'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** Asks for one segment after the other under one session, until `until` is done; throws at the first that is not answered. */
async function watch(hls: string, until: Promise<unknown>): Promise<number> {
  let isOver = false;
  void until.finally(() => {
    isOver = true;
  });
  const [first = ''] = mediaPlaylistUrls(await fetchOk(hls));
  const segments = segmentUrls(await fetchOk(first));
  let answered = 0;
  while (!isOver) {
    await fetchOk(segments[answered % segments.length] ?? '');
    answered += 1;
    await delay(100);
  }
  return answered;
}

beforeAll(async () => {
  await compileApp();
  site = await startPlaybackSite({
    pluginConfig: {
      // Nothing is answered from a cache: every segment is cut from the file, wherever that lies.
      streamer: { memoryCacheBytes: 1, diskCacheBytes: 0 },
      session: { leaseSeconds: 4, outageGraceSeconds: 0, paceFactor: 100 },
    },
  });
  const films = [];
  for (let film = 0; film < FILMS; film += 1) films.push(await uploadFilm(site.app, site.editor));
  video = await publishVideo(site.app, site.editor, { source: films[0]?.id ?? 0 });
});
afterAll(() => site.app.stop());

describe('protected-vod storage, beside a running Strapi', () => {
  it('migrate is killed, run again and done; who watches over HLS and HTTP-FLV meanwhile sees every picture', async () => {
    const before = await playHls((await urls()).hls);
    const flv = fetch((await urls()).httpFlv).then(async (response) => Buffer.from(await response.arrayBuffer()));

    const killed = startStorageCommand(['migrate', '--to', 'directory'], (text) => {
      if (text.includes('moved ')) killed.process.kill('SIGKILL');
    });
    expect(await killed.result).toMatchObject({ signal: 'SIGKILL' });

    const second = storage('migrate', '--to', 'directory');
    const [answered, { code, out }] = await Promise.all([watch((await urls()).hls, second), second]);
    expect(code, out).toBe(0);
    expect(answered).toBeGreaterThan(10);
    const rows = (await site.app.strapi.db.query(ASSET_UID).findMany({})) as {
      documentId: string;
      storageKey: string;
    }[];
    for (const { documentId: id, storageKey } of rows) {
      expect(storageKey).toBe(`library/${id.slice(0, 2)}/${id.slice(2, 4)}/${id}.mp4`);
    }
    expect((await libraryFiles()).toSorted()).toEqual(
      rows.flatMap(({ documentId: id }) => [`${id}.mp4`, `${id}.mp4.vod.json`]).toSorted(),
    );
    // Its old name is gone since some seconds, and the film is not over yet.
    expect(picturesOf(await flv)).toHaveLength(PICTURES);
    const after = await playHls((await urls()).hls);
    expect(after.map(hashOf)).toEqual(before.map(hashOf));
  });

  it('verify and where say what is so, by exit code too', async () => {
    expect(await storage('verify', '--min-age', '0')).toMatchObject({ code: 0, out: 'clean\n' });
    const { code, out } = await storage('where', video);
    expect(code).toBe(0);
    expect(out).toMatch(/^[a-z0-9]{24} {2}ready {2}[\d.]+ MiB {2}\/.+\/library\/\w\w\/\w\w\/[a-z0-9]{24}\.mp4\n$/);
    expect(await storage('migrate', '--to', 'elsewhere')).toMatchObject({ code: 2 });
  });
});
