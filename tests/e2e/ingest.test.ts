import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { CLIP, publishVideo, unpublishVideo, uploadFilm } from '../support/films';
import { type IngestProcess, startIngestProcess } from '../support/ingest-process';
import { type JobRow, jobsOf, workerSide } from '../support/ingest-worker';
import { isAlive } from '../support/is-alive';
import { deleteFromMediaLibrary } from '../support/media-library';
import { mint } from '../support/minting';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { runCommand } from '../support/run-command';
import { SECRET_NAMES } from '../support/site-secrets';
import { processesIn, type SlowFfmpeg, slowFfmpeg } from '../support/slow-ffmpeg';
import { FFMPEG, ffmpeg } from '../support/tools';
import { until, WORK_SECONDS } from '../support/until';

const COUNT = 'plugin::protected-vod.playback-session';

interface StoredFilm {
  id: number;
  asset: string;
}

describe.skipIf(!FFMPEG)('ingest', () => {
  let site: PlaybackSite;
  let tool: SlowFfmpeg;
  const started: IngestProcess[] = [];

  const worker = () => site.app.strapi.plugin('protected-vod').service('ingest-worker');
  const scratch = () => path.join(site.app.storageRoot, 'ingest');

  async function upload(): Promise<StoredFilm> {
    const { id, url } = await uploadFilm(site.app, site.editor);
    return { id, asset: url.slice(url.lastIndexOf('/') + 1) };
  }

  const jobs = (film: StoredFilm, test: (job: JobRow) => boolean) => async () => {
    const rows = await jobsOf(site.app, film.asset);
    return rows.length > 0 && rows.every(test);
  };
  const isMade = (film: StoredFilm) =>
    until(
      'it is made',
      jobs(film, ({ state }) => state === 'done'),
      WORK_SECONDS,
    );
  const isBegun = (film: StoredFilm) =>
    until('ffmpeg is at work', async () => {
      const [poster] = await jobsOf(site.app, film.asset);
      const tools = (await processesIn(scratch())).filter(isAlive);
      return poster?.state === 'running' && tools.length > 0 ? { poster, tools } : null;
    });

  async function elsewhere(env?: Record<string, string>): Promise<IngestProcess> {
    const process = await startIngestProcess(site.app, env);
    started.push(process);
    return process;
  }

  beforeAll(async () => {
    tool = slowFfmpeg();
    site = await startPlaybackSite({
      pluginConfig: { ingest: { mode: 'managed', ffmpeg: tool.path, leaseSeconds: 5, retrySeconds: 1 } },
    });
    await until('the worker is RUNNING', () => worker().status()?.state === 'RUNNING');
  });
  afterAll(async () => {
    await site?.app.stop();
    tool?.remove();
  });

  it('workers beside that of Strapi are told by `protected-vod status`, each by a line; its own has one already', async () => {
    const managed = worker().id.slice(0, 8);
    const seen = site.app.strapi.plugin('protected-vod').service('external-workers');
    await until('it has asked for work', () => seen.seen(null).some(({ boot }: { boot: string }) => boot === managed));
    const others = [workerSide(site.app), workerSide(site.app)];
    for (const other of others) await other.claim({ kinds: [] });
    const { code, out } = await runCommand(site.app, ['status']);
    expect(code).toBe(0);
    const lines = out.split('\n').filter((line) => line.startsWith('ingest'));
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^ingest +RUNNING /);
    for (const { id } of others)
      expect(out).toMatch(new RegExp(`^ingest {2}EXTERNAL {2}${id.slice(0, 8)}, asked`, 'm'));
    expect(out).not.toContain(managed);
  });
  afterEach(async () => {
    tool.hurry();
    for (const process of started.splice(0)) await process.stop('SIGKILL');
    // The worker does one thing at a time: the next test's film is to be the first.
    await until('nothing is left to do', async () =>
      (await jobsOf(site.app)).every(({ state }) => !['queued', 'running'].includes(state)),
    );
  });

  describe('a film that was uploaded', () => {
    let video: string;
    let answer: Awaited<ReturnType<typeof mint>>;

    beforeAll(async () => {
      const film = await upload();
      video = await publishVideo(site.app, site.editor, { source: film.id });
      await isMade(film);
      answer = await mint(site.app, video, site.viewer.jwt);
    });

    it('has a poster behind the gate, shown without a session', async () => {
      const before = await site.app.strapi.db.query(COUNT).count();
      const response = await fetch(answer.poster ?? '', { redirect: 'error' });
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      const bytes = Buffer.from(await response.arrayBuffer());
      expect([bytes.subarray(0, 3).toString('hex'), bytes.subarray(-2).toString('hex')]).toEqual(['ffd8ff', 'ffd9']);
      const etag = response.headers.get('etag') ?? '';
      const again = await fetch(answer.poster ?? '', { headers: { 'if-none-match': etag } });
      expect(again.status).toBe(304);
      expect(await site.app.strapi.db.query(COUNT).count()).toBe(before);
      // The same for whoever asks: the streamer asks once for all.
      expect((await mint(site.app, video, site.viewer.jwt)).poster).toBe(answer.poster);
    });

    it('the credential of its poster opens nothing else, and what is like it nothing at all', async () => {
      const at = (credential: string, resource: string) =>
        fetch(`${site.streamerUrl()}/v/${credential}/${resource}`, { redirect: 'manual' });
      const credential = new URL(answer.poster ?? '').pathname.split('/').at(-2) ?? '';
      for (const resource of ['hls/main.m3u8', 'dash/manifest.mpd', 'mp4', 'download', 'storyboard.vtt', 'live.flv']) {
        expect((await at(credential, resource)).status, resource).toBe(403);
      }
      const [header, payload = '', signature] = credential.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
      expect(Object.keys(claims).toSorted()).toEqual(['aud', 'exp', 'iss', 'loc', 'vid']);
      const other = await publishVideo(site.app, site.editor, { source: (await upload()).id });
      const forged = Buffer.from(JSON.stringify({ ...claims, vid: other })).toString('base64url');
      for (const wrong of [`${header}.${forged}.${signature}`, `${header}.${payload}.AAAA`, answer.token, 'x.y.z']) {
        expect((await at(wrong, 'poster.jpg')).status).toBe(403);
      }
      expect((await at('', 'poster.jpg')).status).toBe(401);
    });

    it('has a storyboard whose times are those of its key pictures, to the millisecond', async () => {
      const { bytes, url } = await fetchOk(answer.storyboard ?? '');
      const text = bytes.toString('utf8');
      expect(url).toMatch(/\/v\/ps_[^/]+\/storyboard\.vtt$/);
      const cues = [...text.matchAll(/^(\S+) --> (\S+)\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm)].map(
        ([, from = '', to = '', sprite = '', ...box]) => ({ from, to, sprite, box: box.map(Number) }),
      );
      const seconds = (stamp: string) => stamp.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
      const frames = JSON.parse(
        await probe('-skip_frame', 'nokey', '-select_streams', 'v:0', '-show_entries', 'frame=pts_time', CLIP),
      ) as { frames: { pts_time: string }[] };
      const keys = frames.frames.map(({ pts_time }) => Math.round(Number(pts_time) * 1000));
      expect(cues.length).toBeGreaterThan(2);
      for (const { from } of cues) expect(keys).toContain(Math.round(seconds(from) * 1000));
      expect(cues.map(({ to }) => to).slice(0, -1)).toEqual(cues.map(({ from }) => from).slice(1));
      const sprite = await fetchOk(new URL(cues[0]?.sprite ?? '', url).href);
      const saved = path.join(site.app.storageRoot, '..', 'sprite.jpg');
      await writeFile(saved, sprite.bytes);
      for (const { from, box } of cues) expect(await likeness(saved, box, from)).toBeGreaterThan(0.9);
    });

    it('loses its poster with its publication, and another entry of the same film keeps its own', async () => {
      const { id } = await upload();
      const entry = await publishVideo(site.app, site.editor, { source: id });
      const kept = await publishVideo(site.app, site.editor, { source: id });
      await until('it has a poster', async () => (await mint(site.app, entry, site.viewer.jwt)).poster !== null);
      // Neither was asked for before: what is answered is what is so now.
      const posterOf = async (one: string) => (await mint(site.app, one, site.viewer.jwt)).poster ?? '';
      const [lost, still] = [await posterOf(entry), await posterOf(kept)];
      await unpublishVideo(site.app, site.editor, entry);
      expect([(await fetch(lost)).status, (await fetch(still)).status]).toEqual([403, 200]);
    });
  });

  it('S24 a worker that is killed takes ffmpeg with it, and its job is done by another one after the lease', async () => {
    tool.dawdle();
    const film = await upload();
    const { poster, tools } = await isBegun(film);
    const { pid } = worker().status() ?? {};
    process.kill(pid ?? 0, 'SIGKILL');
    await until('ffmpeg has gone', () => !tools.some(isAlive));
    tool.hurry();
    await isMade(film);
    const [done] = await jobsOf(site.app, film.asset);
    expect(done?.attempt).toBeGreaterThan(poster.attempt);
    expect(done?.failures).toBe(1);
    expect(worker().status()).toMatchObject({ state: expect.stringMatching(/RUNNING|STARTING/), restarts: 1 });
    await until('nothing of it is left', async () => (await readdir(scratch())).length === 0);
  });

  it('a deleted film ends ffmpeg, and leaves nothing', async () => {
    tool.dawdle();
    const film = await upload();
    const { tools } = await isBegun(film);
    await deleteFromMediaLibrary(site.app, site.editor, film.id);
    await until('ffmpeg has gone', () => !tools.some(isAlive));
    await until('nothing of it is left', async () => (await readdir(scratch())).length === 0);
    expect((await jobsOf(site.app, film.asset)).map(({ state }) => state)).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
    ]);
  });

  it('a worker that is asked to end gives its job back', async () => {
    tool.dawdle();
    const film = await upload();
    const { poster, tools } = await isBegun(film);
    await worker().stop();
    expect(tools.some(isAlive)).toBe(false);
    expect((await jobsOf(site.app, film.asset))[0]).toMatchObject({ state: 'queued', failures: 0 });
    // One that runs elsewhere does it meanwhile.
    tool.hurry();
    const other = await elsewhere();
    await isMade(film);
    expect((await jobsOf(site.app, film.asset))[0]).toMatchObject({ attempt: poster.attempt + 1 });
    expect(await other.stop('SIGTERM')).toBe(0);
    worker().start();
    await until('the worker is RUNNING', () => worker().status()?.state === 'RUNNING');
  });

  it('a worker without ffmpeg says so once, and leaves the jobs to others', async () => {
    const other = await elsewhere({ PATH: '/nowhere' });
    await until('it has said so', () => other.output().includes('ffmpeg is missing'));
    await isMade(await upload());
    expect(other.output().match(/is missing/g)).toHaveLength(1);
    expect(other.output()).not.toContain('job done');
  });

  it('status, restart and tail tell of the worker', async () => {
    const status = await runCommand(site.app, ['status']);
    expect(status).toMatchObject({ code: 0, err: '' });
    expect(status.out).toMatch(
      /^streamer {2}RUNNING .*\ningest {2}RUNNING {2}pid \d+, uptime \S+\n(ingest {2}EXTERNAL .*\n)*$/,
    );
    const { pid } = worker().status() ?? {};
    const restarted = await runCommand(site.app, ['restart', 'ingest']);
    expect(restarted).toMatchObject({ code: 0, out: expect.stringMatching(/^ingest {2}RUNNING/) });
    expect(worker().status()?.pid).not.toBe(pid);
    await isMade(await upload());
    const lines = (await runCommand(site.app, ['tail', '-n', '1000'])).out;
    expect(lines).toMatch(/"process":"ingest".*"msg":"job done"/);
    for (const secret of [site.app.storageRoot]) expect(lines).not.toContain(secret);
  });

  it("S1 the worker's /proc/<pid>/environ holds no Strapi secret, and ffmpeg's nothing at all", async () => {
    tool.dawdle();
    const film = await upload();
    const { tools } = await isBegun(film);
    const environ = await readFile(`/proc/${worker().status()?.pid}/environ`, 'utf8');
    const names = environ.split('\0').map((entry) => entry.split('=')[0]);
    expect(names.filter((name) => SECRET_NAMES.includes(name ?? ''))).toEqual([]);
    for (const pid of tools) {
      const own = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      // A shell, here in place of ffmpeg, adds its own.
      expect(own.split('\0').filter((entry) => !/^(PWD|OLDPWD|SHLVL|_)?(=|$)/.test(entry))).toEqual([]);
    }
    tool.hurry();
    await isMade(film);
  });
});

async function probe(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('ffprobe', ['-v', 'error', '-of', 'json', ...args]);
  return stdout;
}

/** 0 to 1: how much a part of the sprite is like the clip's picture at that time (SSIM). */
async function likeness(sprite: string, [x, y, width, height]: number[], at: string): Promise<number> {
  const graph = `[0:v]crop=${width}:${height}:${x}:${y}[tile];[1:v]scale=${width}:${height}[film];[tile][film]ssim=stats_file=-`;
  const stats = await ffmpeg(
    ...['-i', sprite, '-ss', at, '-i', CLIP, '-filter_complex', graph],
    ...['-frames:v', '1', '-f', 'null', '-'],
  );
  return Number(/All:([\d.]+)/.exec(stats)?.[1] ?? 0);
}
