import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { playDash } from '../clients/dash.mjs';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { picturesOf } from '../clients/flv.mjs';
import { countVideoFrames, readVideoFrames } from '../clients/frames.mjs';
import { playHls } from '../clients/hls.mjs';
import { RtmpClient } from '../clients/rtmp.mjs';
import { type BrowserHost, openBrowserHost, playerOf, problemsOf } from '../support/browser-page';
import { publishVideo, uploadFilm } from '../support/films';
import { type IngestProcess, startIngestProcess, WITHOUT_NAMESPACES } from '../support/ingest-process';
import { jobsOf, makeDue } from '../support/ingest-worker';
import { askForToken, mint } from '../support/minting';
import { oddClips } from '../support/odd-clips';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { setPolicies } from '../support/policies';
import { CHROMIUM, FFMPEG } from '../support/tools';
import { until, WORK_SECONDS } from '../support/until';

const ASSET = 'plugin::protected-vod.asset';
const JOB = 'plugin::protected-vod.ingest-job';
const KILLS = 5;
const PICTURES = 720;
/** Of the trimmed clip; eight more are in the file. */
const SHOWN = 42;
const SOUNDS_IN_HLS = ['Ton für alle', "Director's 'cut'"];
const SOUNDS_IN_XML = ['Ton für alle', 'Director&apos;s &quot;cut&quot;'];
const RUNGS = ['rung-240', 'rung-360'];

/** Namespaces can be made here, and refused. */
const MAY_CONFINE = spawnSync('unshare', [...WITHOUT_NAMESPACES.slice(1), 'true']).status === 0;

interface StoredFilm {
  id: number;
  asset: string;
}

describe.skipIf(!FFMPEG)('the ladder of a film', () => {
  let site: PlaybackSite;
  let film: StoredFilm;
  let video: string;
  const workers: IngestProcess[] = [];

  async function work(env: Record<string, string> = {}, around: readonly string[] = []): Promise<IngestProcess> {
    const worker = await startIngestProcess(site.app, env, around);
    workers.push(worker);
    return worker;
  }

  async function upload(): Promise<StoredFilm> {
    const { id, url } = await uploadFilm(site.app, site.editor);
    const stored = { id, asset: url.slice(url.lastIndexOf('/') + 1) };
    await leaveOut(stored, ['poster', 'storyboard']);
    return stored;
  }

  /** What this is not about would only take time. */
  async function leaveOut({ asset }: StoredFilm, kinds: string[]): Promise<void> {
    await site.app.strapi.db.query(JOB).deleteMany({ where: { asset, kind: { $in: kinds } } });
  }

  const jobOf = async ({ asset }: StoredFilm, kind: string) =>
    (await jobsOf(site.app, asset)).find((job) => job.kind === kind);

  const isDone = (of: StoredFilm, kind: string) =>
    until(`${kind} is made`, async () => (await jobOf(of, kind))?.state === 'done', WORK_SECONDS);

  /** By name: what was made of a film. */
  async function digestsOf({ asset }: StoredFilm): Promise<Map<string, string>> {
    const row = await site.app.strapi.db.query(ASSET).findOne({ where: { documentId: asset } });
    const directory = path.join(site.app.storageRoot, `${row.storageKey}.vod`);
    const digests = new Map<string, string>();
    for (const name of await readdir(directory)) {
      digests.set(
        name,
        createHash('sha256')
          .update(await readFile(path.join(directory, name)))
          .digest('hex'),
      );
    }
    return digests;
  }

  /** Name → inode and time of the chunks that a job has finished so far. */
  async function chunksOf(job: string): Promise<Map<string, string>> {
    const directory = path.join(site.app.storageRoot, 'ingest', job);
    const kept = new Map<string, string>();
    for (const name of await readdir(directory).catch(() => [])) {
      const { ino, mtimeMs, size } = await stat(path.join(directory, name));
      if (name.endsWith('.mp4')) kept.set(name, `${ino} ${mtimeMs} ${size}`);
    }
    return kept;
  }

  beforeAll(async () => {
    const ingest = { mode: 'external', ladder: [360, 240], preset: 'ultrafast', maxAttempts: 50 };
    site = await startPlaybackSite({ pluginConfig: { ingest } });
    film = await upload();
    video = await publishVideo(site.app, site.editor, { source: film.id });
  });
  afterAll(() => site?.app.stop());
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.stop('SIGKILL');
  });

  it('is listed rung by rung, each when it is complete; a running session keeps its playlist', async () => {
    const before = await fetchOk((await mint(site.app, video, site.viewer.jwt)).urls.hls ?? '');
    expect(before.bytes.toString().match(/RESOLUTION=\d+x\d+/g)).toEqual(['RESOLUTION=1920x1080']);
    const worker = await work({ PROTECTED_VOD_INGEST_ENCODER: 'auto' });
    await until('it has begun', async () => (await jobOf(film, 'rung-240'))?.state === 'running');
    expect((await jobOf(film, 'rung-360'))?.state).toBe('queued');
    expect((await fetchOk((await mint(site.app, video, site.viewer.jwt)).urls.hls ?? '')).bytes).toEqual(before.bytes);
    for (const kind of RUNGS) {
      await isDone(film, kind);
    }
    const now = await fetchOk((await mint(site.app, video, site.viewer.jwt)).urls.hls ?? '');
    expect(now.bytes.toString().match(/RESOLUTION=\d+x\d+/g)).toEqual(
      ['1920x1080', '640x360', '426x240'].map((size) => `RESOLUTION=${size}`),
    );
    expect((await fetchOk(before.url)).bytes).toEqual(before.bytes);
    expect(await worker.stop()).toBe(0);
    // What it was made with: by its log, and as `protected-vod doctor` is told.
    const [told] = site.app.strapi.plugin('protected-vod').service('external-workers').encoders();
    expect(worker.output()).toMatch(new RegExp(`"encoder":"${told.used}","refused":.*renditions are made with`));
    expect([told.used, ...told.refused.map(({ encoder }: { encoder: string }) => encoder)]).toContain('h264_nvenc');
  });

  it('has every picture on every rung, in segments that begin together', async () => {
    const tracks = await playHls((await mint(site.app, video, site.viewer.jwt)).urls.hls ?? '');
    const pictures = tracks.slice(0, 3);
    for (const { bytes } of pictures) expect(await countVideoFrames(bytes)).toBe(PICTURES);
    expect(new Set(pictures.map(({ playlist }) => playlist)).size).toBe(1);
    expect(tracks).toHaveLength(4);
  });

  it('whose role may not have the source gets rungs alone, with sound, and cuts where the source has them', async () => {
    const source = await playHls((await mint(site.app, video, site.viewer.jwt)).urls.hls ?? '');
    await setPolicies(site.app, site.editor, { roles: { [site.role.type]: { maxHeight: 400 } }, apiTokens: {} });
    const { urls } = await mint(site.app, video, site.viewer.jwt);
    const playlist = (await fetchOk(urls.hls ?? '')).bytes.toString();
    expect(playlist.match(/RESOLUTION=\d+x\d+/g)).toEqual(['RESOLUTION=640x360', 'RESOLUTION=426x240']);
    const tracks = await playHls((await mint(site.app, video, site.viewer.jwt)).urls.hls ?? '');
    expect(tracks).toHaveLength(3);
    expect(tracks[0]?.playlist).toBe(tracks[1]?.playlist);
    // They have more of them where the source has next to no key pictures.
    const starts = startsOf(tracks[0]?.playlist);
    for (const start of startsOf(source[0]?.playlist)) expect(starts).toContain(start);
    for (const { bytes } of tracks.slice(0, 2)) expect(await countVideoFrames(bytes)).toBe(PICTURES);
    expect((tracks[2]?.bytes.length ?? 0) > 200_000).toBe(true);
    // The best of what is permitted, where there can be one alone.
    const file = await fetchOk((await mint(site.app, video, site.viewer.jwt)).urls.mp4 ?? '');
    expect(createHash('sha256').update(file.bytes).digest('hex')).toBe((await digestsOf(film)).get('360p.mp4'));
    await setPolicies(site.app, site.editor, { roles: {}, apiTokens: {} });
  });

  describe('of a trimmed film is all that there is', () => {
    let entry: string;
    let trimmed: StoredFilm;
    /** Of the source, each long enough to be no other's. */
    let sourcePictures: Buffer[];
    const urls = async () => (await mint(site.app, entry, site.viewer.jwt)).urls;

    beforeAll(async () => {
      const clip = (await oddClips())('trimmed-languages.mp4');
      sourcePictures = (await readVideoFrames(await readFile(clip))).filter(({ length }) => length >= 64);
      const { id, url } = await uploadFilm(site.app, site.editor, clip);
      trimmed = { id, asset: url.slice(url.lastIndexOf('/') + 1) };
      await leaveOut(trimmed, ['poster', 'storyboard', 'texts']);
      entry = await publishVideo(site.app, site.editor, { source: id });
      expect(await askForToken(site.app, entry, site.viewer.jwt)).toMatchObject({ code: 'not-available-yet' });
      await work();
      await isDone(trimmed, 'rung-full');
    });

    const expectNoneOfTheSource = (bytes: Buffer) => {
      expect(sourcePictures.length).toBeGreaterThan(SHOWN);
      expect(sourcePictures.filter((picture) => bytes.includes(picture.subarray(-48)))).toEqual([]);
    };

    it('as HLS and DASH, with languages and names of its sound, and nothing leads to the source', async () => {
      const [pictures] = await playHls((await urls()).hls ?? '');
      expect(await countVideoFrames(pictures?.bytes ?? Buffer.alloc(0))).toBe(SHOWN);
      expectNoneOfTheSource(pictures?.bytes ?? Buffer.alloc(0));
      const dash = (await fetchOk((await urls()).dash ?? '')).bytes.toString();
      expect(dash).toContain('full-v1');
      expect([...dash.matchAll(/<AdaptationSet[^>]* lang="(\w+)"/g)].map(([, lang]) => lang)).toEqual(['de', 'en']);
      expect([...dash.matchAll(/<Label>([^<]+)</g)].map(([, label]) => label)).toEqual(SOUNDS_IN_XML);
      const [playback] = await playDash((await urls()).dash ?? '');
      expect(await countVideoFrames(playback?.bytes ?? Buffer.alloc(0))).toBe(SHOWN);
      const playlist = await fetchOk((await urls()).hls ?? '');
      const sounds = playlist.bytes.toString().match(/^#EXT-X-MEDIA:TYPE=AUDIO.*$/gm) ?? [];
      expect(sounds.map((line) => /LANGUAGE="(\w+)"/.exec(line)?.[1])).toEqual(['de', 'en']);
      expect(sounds.map((line) => /NAME="([^"]+)"/.exec(line)?.[1])).toEqual(SOUNDS_IN_HLS);
      for (const track of ['source-v1', 'source-a1']) {
        expect((await fetch(playlist.url.replace('main.m3u8', `${track}/media.m3u8`))).status).toBe(403);
      }
    });

    it('as MP4 and as download', async () => {
      const { mp4 = '', download = '' } = await urls();
      const made = (await digestsOf(trimmed)).get('full.mp4');
      for (const address of [mp4, download]) {
        const { bytes } = await fetchOk(address);
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(made);
        expect(await countVideoFrames(bytes)).toBe(SHOWN);
        expectNoneOfTheSource(bytes);
      }
      const { headers } = await fetch(download);
      expect(headers.get('content-disposition')).toContain('filename="trimmed-languages.mp4"');
    });

    it('over RTMP, HTTP-FLV and WS-FLV', async () => {
      const granted = await Promise.all([urls(), urls(), urls()]);
      const client = await RtmpClient.open(granted[0].rtmp ?? '');
      const [, http, ws] = await Promise.all([
        client.heard('NetStream.Play.Stop'),
        fetchOk(granted[1].httpFlv ?? ''),
        readWebSocket(granted[2].wsFlv ?? ''),
      ]);
      expect(client.pictures()).toHaveLength(SHOWN);
      expectNoneOfTheSource(Buffer.concat(client.messages.map(({ body }) => body)));
      client.close();
      expect(http.headers.get('content-type')).toBe('video/x-flv');
      for (const bytes of [http.bytes, ws]) {
        expect(picturesOf(bytes)).toHaveLength(SHOWN);
        expectNoneOfTheSource(bytes);
      }
    });
  });

  describe.skipIf(!MAY_CONFINE)('where ffmpeg cannot be confined', () => {
    const required = { PROTECTED_VOD_INGEST_CONFINEMENT: 'required' };
    const unconfined = () => site.app.strapi.plugin('protected-vod').service('external-workers').unconfined();

    /** One that waits for its poster, and for nothing else. */
    async function uploadSmall(): Promise<StoredFilm> {
      const { id, url } = await uploadFilm(site.app, site.editor, (await oddClips())('faststart.mp4'));
      const small = { id, asset: url.slice(url.lastIndexOf('/') + 1) };
      await leaveOut(small, ['storyboard', 'texts', ...RUNGS]);
      return small;
    }

    it('S24 `required` leaves the job to a worker that can, and says why', async () => {
      const small = await uploadSmall();
      const lacking = await work(required, WITHOUT_NAMESPACES);
      await until('it has asked', async () => (await jobOf(small, 'poster'))?.reason === 'confinement-missing');
      expect(lacking.output()).toMatch(/ffmpeg can have no root of its own here/);
      expect(lacking.output()).toMatch(/ffmpeg cannot be confined as is required here: jobs are left to other workers/);
      expect(unconfined()).toEqual(expect.arrayContaining(['network', 'root']));
      expect(await jobOf(small, 'poster')).toMatchObject({ state: 'queued', attempt: 0, failures: 0 });
      const able = await work(required);
      await isDone(small, 'poster');
      expect(able.output()).toContain('"layers":["limits","network","life","root","privileges"]');
      expect(able.output()).not.toContain('cannot be confined');
    });

    it('S24 `best-effort` does it, and says what is missing', async () => {
      const small = await uploadSmall();
      const worker = await work({}, WITHOUT_NAMESPACES);
      await isDone(small, 'poster');
      expect(worker.output()).toMatch(/no network namespace can be made here/);
      expect(worker.output()).toMatch(/ffmpeg can have no root of its own here/);
      expect(worker.output()).toContain('"layers":["limits","life","privileges"]');
    });
  });

  it('S24 a worker that is killed five times makes the same bytes, and nothing twice that was finished', async () => {
    const other = await upload();
    await leaveOut(other, ['rung-360']);
    const id = (await jobOf(other, 'rung-240'))?.documentId ?? '';
    let finished = new Map<string, string>();
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const worker = await work();
      await until('it is at work', async () => (await jobOf(other, 'rung-240'))?.attempt === kill);
      await delay(Math.random() * 1500);
      await worker.stop('SIGKILL');
      const now = await chunksOf(id);
      for (const [name, identity] of finished) expect(now.get(name)).toBe(identity);
      finished = now;
      await makeDue(site.app, { documentId: id });
    }
    await work();
    await isDone(other, 'rung-240');
    expect((await jobOf(other, 'rung-240'))?.attempt).toBeGreaterThanOrEqual(KILLS);
    expect((await digestsOf(other)).get('240p.mp4')).toBe((await digestsOf(film)).get('240p.mp4'));
    await until('nothing of it is left', async () => (await chunksOf(id)).size === 0);
  });

  describe.skipIf(!CHROMIUM)('in Chromium', () => {
    let host: BrowserHost;
    beforeAll(async () => {
      host = await openBrowserHost();
    });
    afterAll(() => host?.close());

    it('hls.js goes through all levels without a stall', async () => {
      const { urls } = await mint(site.app, video, site.viewer.jwt);
      const page = await host.start('hls.js through all levels', urls.hls ?? '', 1);
      const currentTime = () => playerOf(page).evaluate((player: HTMLVideoElement) => player.currentTime);
      await expect.poll(currentTime, { timeout: 30_000 }).toBeGreaterThan(0.5);
      // Over each cut, and to the end.
      for (const [from = 0, to = 0] of [
        [9.7, 11],
        [22.3, 23.6],
        [28.8, 29.5],
      ]) {
        await playerOf(page).evaluate((player: HTMLVideoElement, at) => {
          player.currentTime = at;
        }, from);
        await expect.poll(currentTime, { timeout: 30_000 }).toBeGreaterThan(to);
      }
      const isEnded = () => playerOf(page).evaluate((player: HTMLVideoElement) => player.ended);
      await expect.poll(isEnded, { timeout: 60_000 }).toBe(true);
      expect(await problemsOf(page)).toEqual([]);
      const heights = await page.evaluate(() => (window as unknown as { loaded: number[] }).loaded);
      expect(heights).toEqual([1080, 240, 360]);
    });
  });
});

/** All that it sends until it closes the connection in order. */
async function readWebSocket(url: string): Promise<Buffer> {
  const socket = new WebSocket(url);
  const frames: Buffer[] = [];
  socket.on('message', (data: Buffer) => frames.push(data));
  const [code] = await once(socket, 'close');
  expect(code).toBe(1000);
  return Buffer.concat(frames);
}

/** Milliseconds at which the segments of a media playlist begin. */
function startsOf(playlist = ''): number[] {
  let at = 0;
  return [...playlist.matchAll(/^#EXTINF:([\d.]+),/gm)].map(([, seconds]) => {
    const start = Math.round(at * 1000);
    at += Number(seconds);
    return start;
  });
}
