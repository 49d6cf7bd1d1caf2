import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assetsSchema } from '../../server/contracts';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { countVideoFrames } from '../clients/frames.mjs';
import { playHls } from '../clients/hls.mjs';
import { askAsAdmin } from '../support/admin-rest';
import { publishVideo, uploadFilm } from '../support/films';
import { withMoreStreams, withSubtitles } from '../support/hostile/avi-edits';
import { aviWithSubtitles, playlistsTo } from '../support/hostile/films';
import { type IngestProcess, startIngestProcess } from '../support/ingest-process';
import { askForToken, mint } from '../support/minting';
import { oddClips } from '../support/odd-clips';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { FFMPEG, ffmpeg } from '../support/tools';
import { until, WORK_SECONDS } from '../support/until';

interface Converted {
  /** Pictures; 0: sound alone. */
  frames?: number;
  seconds?: number;
  size?: string;
  /** Sound begins and ends with a packet of its own, and in some containers after the picture. */
  within?: number;
}

const CONVERTED: Record<string, Converted> = {
  'film.avi': {},
  'bidirectional.avi': {},
  'older.avi': {},
  'camera.avi': {},
  'tape.avi': { frames: 25, seconds: 1, size: '1024x576' },
  'film.flv': {},
  'film.wmv': {},
  'film.mpg': {},
  'film.ogv': {},
  'film.mxf': {},
  'old.mov': {},
  'prores.mov': { frames: 25, seconds: 1 },
  'broadcast.ts': {},
  'receiver.ts': {},
  'camera.mov': {},
  'phone.3gp': { size: '176x144' },
  'sound.wav': { frames: 0 },
  'sound.aiff': { frames: 0 },
};

describe.skipIf(!FFMPEG)('films that have to be converted, whatever they are (needs ffmpeg)', () => {
  let site: PlaybackSite;
  let worker: IngestProcess;
  let clipAt: (name: string) => string;
  let scratch: string;
  let listener: Server;
  let connections = 0;
  /** By name. */
  const assets = new Map<string, string>();
  const videos = new Map<string, string>();

  async function uploadAt(name: string, file: string): Promise<void> {
    const { id, url } = await uploadFilm(site.app, site.editor, file);
    assets.set(name, url.slice(url.lastIndexOf('/') + 1));
    videos.set(name, await publishVideo(site.app, site.editor, { source: id }));
  }

  async function uploadBytes(name: string, bytes: Buffer): Promise<void> {
    const file = path.join(scratch, name);
    await writeFile(file, bytes);
    await uploadAt(name, file);
  }

  async function factsOf(name: string) {
    const { body } = await askAsAdmin(site.app, site.editor, `/assets/${assets.get(name)}`);
    const [asset] = assetsSchema.parse(body).data;
    if (!asset) throw new Error(`There is no ${name}.`);
    return asset;
  }

  /** Of the job that converts it, when it is over. */
  const conversionOf = (name: string) =>
    until(
      `${name} is converted, or not`,
      async () => {
        const job = (await factsOf(name)).jobs.find(({ kind }) => kind === 'rung-full');
        return job?.state === 'done' || job?.state === 'failed' ? job : null;
      },
      WORK_SECONDS,
    );

  beforeAll(async () => {
    clipAt = await oddClips();
    scratch = await mkdtemp(path.join(tmpdir(), 'conversions-'));
    listener = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const ingest = { mode: 'external', ladder: [240], preset: 'ultrafast' };
    const rateLimits = { mint: { perUser: null, perPrefix: null }, redeem: { perUser: null, perPrefix: null } };
    site = await startPlaybackSite({ pluginConfig: { ingest, rateLimits } });
    for (const name of Object.keys(CONVERTED)) await uploadAt(name, clipAt(name));
    worker = await startIngestProcess(site.app);
  });

  afterAll(async () => {
    await worker?.stop();
    await site?.app.stop();
    listener?.close();
    await rm(scratch, { recursive: true, force: true });
  });

  it.each(Object.entries(CONVERTED))(
    '%s: every picture and one track of sound, and nothing of the file itself',
    async (name, { frames = 75, seconds = 3, size = '320x180', within = 0.12 }) => {
      expect(await conversionOf(name)).toMatchObject({ state: 'done', reason: null });
      const { urls, durationSeconds } = await mint(site.app, videos.get(name) ?? '', site.viewer.jwt);
      const playlist = await fetchOk(urls.hls ?? '');
      const sizes = frames === 0 ? null : [`RESOLUTION=${size}`];
      expect(
        playlist.bytes
          .toString()
          .match(/RESOLUTION=\d+x\d+/g)
          ?.slice(0, 1) ?? null,
      ).toEqual(sizes);
      expect(playlist.bytes.toString()).not.toContain('source');
      for (const track of ['source-v1', 'source-a1']) {
        expect((await fetch(playlist.url.replace('main.m3u8', `${track}/media.m3u8`))).status).toBe(403);
      }
      const pictures: number[] = [];
      for (const { bytes } of await playHls(playlist.url)) pictures.push(await countVideoFrames(bytes));
      expect(pictures.filter((count) => count > 0).slice(0, 1)).toEqual(frames === 0 ? [] : [frames]);
      expect(pictures.filter((count) => count === 0)).toHaveLength(1);
      expect(Math.abs(durationSeconds - seconds)).toBeLessThan(within);
      expect(Math.abs((await factsOf(name)).durationSeconds - seconds)).toBeLessThan(within);
    },
  );

  it('what is made of other films is made of such a film too, once it is known how large and how long it is', async () => {
    const kinds = async (name: string) => (await factsOf(name)).jobs.map(({ kind }) => kind);
    expect(await kinds('tape.avi')).toEqual(expect.arrayContaining(['poster', 'storyboard', 'rung-240']));
    expect(await kinds('sound.aiff')).toEqual(expect.arrayContaining(['waveform']));
    const made = ['poster.jpg', 'storyboard.jpg', '240p.mp4'];
    const isMade = async () => {
      const names = (await factsOf('tape.avi')).made;
      return made.every((one) => names.includes(one));
    };
    await until('all is made', isMade, WORK_SECONDS);
    const { tracks } = await factsOf('tape.avi');
    expect(tracks).toMatchObject([{ kind: 'video', width: 1024, height: 576 }, { kind: 'audio' }]);
    expect((await factsOf('broadcast.ts')).tracks).toEqual(
      expect.arrayContaining([expect.objectContaining({ codec: 'MPEG-2', width: 320, height: 180 })]),
    );
  });

  describe('beyond what the site allows of any film, in a container that the plugin does not read', () => {
    const color = (size: string, rate: string) => ['-f', 'lavfi', '-i', `color=size=${size}:rate=${rate}`];
    const made = async (...args: string[]) => {
      const file = path.join(scratch, 'made.avi');
      await ffmpeg(...args, '-y', '-f', 'avi', file);
      return readFile(file);
    };

    it.each<[string, () => Promise<Buffer>, string, RegExp]>([
      [
        '30,000 pixels',
        () => made(...color('30000x16', '25'), '-frames:v', '3', '-c:v', 'mjpeg'),
        'source-has-too-many-pixels',
        /inspection\.maxSidePixels/,
      ],
      [
        'a million pictures a second',
        () => made(...color('32x32', '1000000'), '-frames:v', '50', '-c:v', 'mjpeg'),
        'source-has-too-many-pictures',
        /inspection\.maxFrameRate/,
      ],
      [
        'a hundred hours',
        () => made(...color('32x32', '1/120000'), '-frames:v', '3', '-c:v', 'mjpeg'),
        'source-is-too-long',
        /inspection\.maxDurationSeconds/,
      ],
      [
        '500 tracks',
        async () => withMoreStreams(await readFile(clipAt('film.avi')), 498),
        'source-has-too-many-tracks',
        /inspection\.maxTracks/,
      ],
    ])('%s: is refused at once, in a sentence that names the limit', async (name, make, reason, sentence) => {
      await uploadBytes(`${reason}.avi`, await make());
      const job = await conversionOf(`${reason}.avi`);
      expect([name, job]).toEqual([
        name,
        expect.objectContaining({ state: 'failed', attempts: 1, reason, sentence: expect.stringMatching(sentence) }),
      ]);
      expect(await askForToken(site.app, videos.get(`${reason}.avi`) ?? '', site.viewer.jwt)).toMatchObject({
        code: 'not-available-yet',
      });
    });
  });

  describe('an AVI with a file for subtitles', () => {
    const addressOf = () => `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;

    it('that is a playlist: is converted without, nothing that it names is read, and the worker lives', async () => {
      const film = await readFile(clipAt('film.avi'));
      await uploadBytes('playlist.avi', withSubtitles(film, playlistsTo(addressOf()).HLS ?? ''));
      await uploadBytes('concat.avi', withSubtitles(film, playlistsTo(addressOf()).concat ?? ''));
      await uploadBytes('nothing-else.avi', aviWithSubtitles(addressOf()));
      expect(await conversionOf('playlist.avi')).toMatchObject({ state: 'done' });
      expect(await conversionOf('concat.avi')).toMatchObject({ state: 'done' });
      const given = async () => (await factsOf('nothing-else.avi')).jobs.find(({ kind }) => kind === 'rung-full');
      await until('it is given up for now', async () => (await given())?.reason === 'tool-failed');
      expect(connections).toBe(0);
      expect(worker.process.exitCode).toBeNull();
    });
  });
});
