import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditEntry, assetsSchema, type UploadedFilm, uploadedFilmSchema } from '../../server/contracts';
import { playHls } from '../clients/hls.mjs';
import { askAsAdmin } from '../support/admin-rest';
import { type BrowserHost, openBrowserHost, playerOf, problemsOf } from '../support/browser-page';
import { CLIP_PATH } from '../support/clips';
import { publishVideo, sendAsAdmin, VIDEO_ROUTE } from '../support/films';
import { askForPreview, askWithLink, makeGuestLink } from '../support/guest-links';
import { type MediaAnswer, uploadToMediaLibrary } from '../support/media-library';
import { askForToken, mint } from '../support/minting';
import { oddClips } from '../support/odd-clips';
import { type PlaybackSite, startPlaybackSite } from '../support/playback-site';
import { createAdminWith } from '../support/strapi-accounts';
import { CHROMIUM, FFMPEG, frameHashes, packetHashes } from '../support/tools';

const run = promisify(execFile);

interface Played {
  verdict: 'playable' | 'playable-and-better-later';
  reason: string;
  /** Pictures; 0: sound alone. */
  frames: number;
  seconds: number;
  audios?: number;
  /** As shown. */
  size?: string;
}

const everywhere = { verdict: 'playable', reason: 'plays-everywhere', frames: 75, seconds: 3 } as const;
const better = { ...everywhere, verdict: 'playable-and-better-later', reason: 'codec-not-everywhere' } as const;

const PLAYED: Record<string, Played> = {
  'faststart.mp4': everywhere,
  'tail-moov.mp4': everywhere,
  'fragmented.mp4': everywhere,
  'smooth.ismv': everywhere,
  'matroska.mkv': everywhere,
  'transport.ts': everywhere,
  'silent.mp4': { ...everywhere, audios: 0 },
  'rotated.mov': { ...everywhere, size: '180x320' },
  'vfr.mp4': { ...everywhere, frames: 58, audios: 0 },
  'languages.mp4': { ...everywhere, audios: 2 },
  'audio-only.m4a': { ...everywhere, frames: 0 },
  'sparse.mp4': { ...better, reason: 'key-pictures-are-sparse', frames: 120, seconds: 12, audios: 0 },
  'vp9.webm': better,
  'av1.mp4': better,
  'hevc.mp4': better,
  'ten-bit.mp4': better,
  'mp3.mp4': better,
  'ac3.mp4': better,
  'sound.mp3': { ...better, frames: 0 },
  'video.mp4': { ...better, reason: 'key-pictures-are-sparse', frames: 720, seconds: 30 },
};

const KEPT: Record<string, { reason: string; sentence: string }> = {
  'trimmed.mp4': {
    reason: 'has-hidden-part',
    sentence: '“trimmed.mp4” was trimmed, but the part that was cut off is still',
  },
  'trimmed-late.mp4': { reason: 'has-hidden-part', sentence: 'was trimmed' },
  'trimmed-end.mp4': { reason: 'has-hidden-part', sentence: 'was trimmed' },
  'cut-out.mp4': { reason: 'has-hidden-part', sentence: 'was trimmed' },
  'slow-motion.mp4': { reason: 'has-unclear-edits', sentence: 'in a way that players do not understand alike' },
  'film.avi': {
    reason: 'container-needs-transcode',
    sentence: '“film.avi” has a format that browsers cannot play (AVI)',
  },
  'film.flv': { reason: 'container-needs-transcode', sentence: '(FLV)' },
  'film.wmv': { reason: 'container-needs-transcode', sentence: '(Windows Media)' },
  'film.mpg': { reason: 'container-needs-transcode', sentence: '(MPEG)' },
  'film.ogv': { reason: 'container-needs-transcode', sentence: '(Ogg Theora)' },
  'old.mov': { reason: 'container-needs-transcode', sentence: '(old QuickTime)' },
  'prores.mov': { reason: 'picture-needs-transcode', sentence: 'The picture of “prores.mov” has a format' },
  'broadcast.ts': { reason: 'picture-needs-transcode', sentence: '(MPEG-2)' },
  'receiver.ts': { reason: 'sound-needs-transcode', sentence: '(mp2)' },
  'camera.mov': { reason: 'sound-needs-transcode', sentence: 'The sound of “camera.mov” has a format' },
  'sound.wav': { reason: 'sound-needs-transcode', sentence: '(pcm-s16)' },
};

const REFUSED: Record<string, [code: string, sentence: string]> = {
  'cut-off.mp4': ['film-is-incomplete', '“cut-off.mp4” is incomplete: the upload or the export was cut off.'],
  'no-tables.mp4': ['film-is-incomplete', '“no-tables.mp4” is incomplete: the upload or the export was cut off.'],
  'cut-off.mkv': ['film-is-incomplete', '“cut-off.mkv” is incomplete: the upload or the export was cut off.'],
  'picture.mp4': ['film-is-not-a-film', '“picture.mp4” is not a film: its content is image/jpeg.'],
  'text.mp4': ['film-is-not-a-film', '“text.mp4” is not a film: its content is plain text.'],
  'encrypted.mp4': ['film-is-encrypted', '“encrypted.mp4” is encrypted (copy protection), so it cannot be played.'],
};

let site: PlaybackSite;
let scratch: string;
let clipAt: (name: string) => string;
const pathOf = (name: string) => (name === 'video.mp4' ? CLIP_PATH : clipAt(name));

const upload = async (name: string): Promise<MediaAnswer> =>
  uploadToMediaLibrary(site.app, site.editor, { name, bytes: await readFile(pathOf(name)) });
const told = ({ file }: MediaAnswer): UploadedFilm =>
  uploadedFilmSchema.parse((file as unknown as { protectedVod: unknown }).protectedVod);
const publish = (answer: MediaAnswer) => publishVideo(site.app, site.editor, { source: answer.file.id });

/** Kinds of the streams in a file. */
async function kindsIn(file: string): Promise<string[]> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_type', '-of', 'json', file]);
  const { streams } = JSON.parse(stdout) as { streams: { codec_type: string }[] };
  return streams.map(({ codec_type }) => codec_type);
}

const secondsOf = (playlist: string) =>
  [...playlist.matchAll(/^#EXTINF:([\d.]+)/gm)].reduce((sum, [, seconds]) => sum + Number(seconds), 0);

/** Everything that HLS delivers of a film, one file per track. */
async function receive(url: string): Promise<{ file: string; seconds: number }[]> {
  const tracks = await playHls(url);
  return Promise.all(
    tracks.map(async ({ bytes, playlist }, index) => {
      const file = path.join(scratch, `${index}.mp4`);
      await writeFile(file, bytes);
      return { file, seconds: secondsOf(playlist) };
    }),
  );
}

/** By name, as they were uploaded and published. */
const published = new Map<string, string>();

/** All that HLS delivers of a clip is held against the clip. */
async function expectWhole(name: string, { frames, seconds, audios = 1 }: Played, url: string): Promise<void> {
  const received = await receive(url);
  const kinds = (await Promise.all(received.map(({ file }) => kindsIn(file)))).flat();
  // What is large is decoded by other tests.
  const hashes = name === 'video.mp4' ? packetHashes : frameHashes;
  expect(kinds.filter((kind) => kind === 'audio')).toHaveLength(audios);
  expect(kinds.filter((kind) => kind === 'video')).toHaveLength(frames === 0 ? 0 : 1);
  for (const [index, track] of received.entries()) {
    // Sound begins and ends with a packet of its own.
    expect(Math.abs(track.seconds - seconds)).toBeLessThan(0.1);
    if (kinds[index] === 'audio') continue;
    expect(track.seconds).toBeCloseTo(seconds, 1);
    const pictures = await hashes(track.file);
    expect(pictures).toHaveLength(frames);
    expect(pictures).toEqual(await hashes(pathOf(name)));
  }
}

/** All addresses of films in the answers that anybody gets who asks for a video. */
async function addressesOf(video: string): Promise<string[]> {
  const { app, editor, viewer } = site;
  const { link } = await makeGuestLink(app, editor, { video });
  const list = await fetch(`${app.url}/api/protected-vod/videos/${video}?playback=true&populate=*`, {
    headers: { authorization: `Bearer ${viewer.jwt}` },
  });
  const answers = [
    (await askForToken(app, video, viewer.jwt)).body,
    (await askForPreview(app, editor.token, video)).body,
    (await askWithLink(app, { link })).body,
    await list.json(),
  ];
  const text = JSON.stringify(answers);
  return [...text.matchAll(/"((?:http|ws|rtmp)s?:[^"]+)"/g)].map(([, url]) => url ?? '');
}

/** Pictures that arrive from addresses, as far as ffmpeg speaks their protocol. */
async function picturesAt(addresses: string[]): Promise<string[]> {
  const read = addresses.filter((url) => !url.startsWith('ws'));
  const pictures: string[] = [];
  for (const url of read) pictures.push(...(await frameHashes(url)));
  return pictures;
}

async function auditRowOf(body: unknown): Promise<AuditEntry> {
  const { reference } = (body as { error: { details: { reference: string } } }).error.details;
  const answer = await askAsAdmin(site.app, site.editor, `/audit/${reference}`);
  return (answer.body as { data: AuditEntry }).data;
}

describe.skipIf(!FFMPEG)('odd clips (needs ffmpeg)', () => {
  beforeAll(async () => {
    clipAt = await oddClips();
    scratch = await mkdtemp(path.join(tmpdir(), 'odd-clips-'));
    // All of it is one viewer.
    const rateLimits = { mint: { perUser: null, perPrefix: null }, redeem: { perUser: null, perPrefix: null } };
    // Fewer than the single values that three seconds of PCM consist of: those are no samples that anybody lists.
    const inspection = { maxSamples: 100_000 };
    // What has to be converted stays as it was uploaded: `conversions` is about the rest.
    const ingest = { mode: 'external' };
    site = await startPlaybackSite({ pluginConfig: { rateLimits, inspection, ingest } });
  });

  afterAll(async () => {
    await site.app.stop();
    await rm(scratch, { recursive: true, force: true });
  });

  describe('that can be watched as they are', () => {
    it.each(Object.entries(PLAYED))('%s: the verdict, and every picture over HLS', async (name, expected) => {
      const answer = await upload(name);
      const { verdict, verdictReason, verdictSentence, assetId } = told(answer);
      expect([answer.status, verdict, verdictReason]).toEqual([201, expected.verdict, expected.reason]);
      expect(verdictSentence).toContain(`“${name}” can be watched now`);
      published.set(name, await publish(answer));
      const { urls, durationSeconds } = await mint(site.app, published.get(name) ?? '', site.viewer.jwt);
      expect(durationSeconds).toBeCloseTo(expected.seconds, 0);
      await expectWhole(name, expected, urls.hls ?? '');
      const { body } = await askAsAdmin(site.app, site.editor, `/assets/${assetId}`);
      const tracks = assetsSchema.parse(body).data.flatMap((entry) => entry.tracks);
      const picture = tracks.find(({ kind }) => kind === 'video');
      if (expected.size) expect(`${picture?.width}x${picture?.height}`).toBe(expected.size);
    });
  });

  describe('that have to be transcoded first', () => {
    it.each(Object.entries(KEPT))(
      '%s: kept and told so, saved and published, and played to nobody',
      async (name, expected) => {
        const answer = await upload(name);
        const film = told(answer);
        expect([answer.status, film.verdict, film.verdictReason]).toEqual([201, 'transcode-first', expected.reason]);
        expect(film.verdictSentence).toContain(expected.sentence);
        expect(film.verdictSentence).toContain('It is kept, and cannot be watched before it has been converted.');
        const stored = path.join(site.app.storageRoot, 'library', name);
        expect((await readFile(stored)).equals(await readFile(pathOf(name)))).toBe(true);
        const { judgement } = JSON.parse(await readFile(`${stored}.vod.json`, 'utf8'));
        expect(judgement).toMatchObject({ verdict: 'transcode-first', reason: expected.reason });

        const video = await publish(answer);
        const refused = await askForToken(site.app, video, site.viewer.jwt);
        expect([refused.status, refused.code]).toEqual([403, 'not-available-yet']);
        expect(await auditRowOf(refused.body)).toMatchObject({ reason: expected.reason, asset: film.assetId, video });
        const { body } = await askAsAdmin(site.app, site.editor, `/assets/${video}`);
        expect(assetsSchema.parse(body).data).toMatchObject([{ id: film.assetId, verdict: 'transcode-first' }]);
      },
    );
  });

  describe('that are refused', () => {
    it.each(Object.entries(REFUSED))('%s: with a sentence, and nothing is kept', async (name, [code, sentence]) => {
      const { status, error } = await upload(name);
      expect([status, error.message]).toEqual([400, sentence]);
      expect(error.details).toEqual({ code, verdict: 'refused' });
      await expect(readFile(path.join(site.app.storageRoot, 'library', name))).rejects.toThrow('ENOENT');
    });
  });

  describe('what an editor trimmed away', () => {
    const TRIMMED = ['trimmed.mp4', 'trimmed-late.mp4', 'trimmed-end.mp4', 'cut-out.mp4'];

    /** Pictures that are in the file and are not to be seen. */
    async function hiddenIn(name: string): Promise<string[]> {
      const shown = new Set(await frameHashes(pathOf(name)));
      const all = await frameHashes(pathOf(name), ['-ignore_editlist', '1']);
      return all.filter((hash) => !shown.has(hash));
    }

    it('arrives over every protocol where nothing was trimmed: it would be seen here', async () => {
      const hidden = (await Promise.all(TRIMMED.map(hiddenIn))).flat();
      const addresses = await addressesOf(published.get('faststart.mp4') ?? '');
      for (const protocol of ['main.m3u8', 'manifest.mpd', '/mp4', '/download', '/live.flv', 'rtmp:']) {
        const pictures = new Set(await picturesAt(addresses.filter((url) => url.includes(protocol)).slice(0, 1)));
        expect(
          hidden.filter((hash) => !pictures.has(hash)),
          protocol,
        ).toEqual([]);
      }
    });

    it.each(TRIMMED)('%s: arrives over none, whoever asks', async (name) => {
      const hidden = new Set(await hiddenIn(name));
      expect(hidden.size).toBeGreaterThan(5);
      const answer = await upload(name);
      const video = await publish(answer);
      const addresses = await addressesOf(video);
      const pictures = await picturesAt(addresses);
      expect(pictures.filter((hash) => hidden.has(hash))).toEqual([]);
      expect(addresses).toEqual([]);
      expect((await fetch(site.app.url + answer.file.url)).status).toBe(404);
    });

    it('does not arrive where a film is replaced by a trimmed one while somebody watches', async () => {
      const video = await publish(await upload('sparse.mp4'));
      const { hls, mp4 } = (await mint(site.app, video, site.viewer.jwt)).urls as { hls: string; mp4: string };
      const before = await frameHashes(hls);
      const trimmed = await upload('trimmed.mp4');
      const fields = { title: 'A film', source: trimmed.file.id };
      await sendAsAdmin(site.app, site.editor, `${VIDEO_ROUTE}/${video}/actions/publish`, fields);
      expect(await askForToken(site.app, video, site.viewer.jwt)).toMatchObject({ code: 'not-available-yet' });
      // Who watches goes on to see the old film.
      expect(await frameHashes(hls)).toEqual(before);
      expect(await frameHashes(mp4)).toEqual(before);
    });
  });

  it('a program that uploads over REST is told the verdict too', async () => {
    const tokens = site.app.strapi.service('admin::api-token');
    const data = { name: 'uploader', description: '', type: 'full-access', lifespan: null, permissions: null };
    const form = new FormData();
    form.set('files', new Blob([await readFile(pathOf('film.avi'))], { type: 'video/x-msvideo' }), 'program.avi');
    const response = await fetch(`${site.app.url}/api/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${(await tokens.create(data)).accessKey}` },
      body: form,
    });
    const [file] = (await response.json()) as { protectedVod: unknown }[];
    expect(uploadedFilmSchema.parse(file?.protectedVod)).toMatchObject({ verdict: 'transcode-first' });
  });

  it('what is known of a film is told to administrators who may look at its file', async () => {
    const { assetId } = told(await upload('faststart.mp4'));
    const route = `/assets/${assetId}`;
    const stranger = await createAdminWith(site.app, []);
    const creator = await createAdminWith(site.app, [
      { action: 'plugin::upload.read', conditions: ['admin::is-creator'] },
    ]);
    const reader = await createAdminWith(site.app, [{ action: 'plugin::upload.read' }]);
    const statuses = [stranger, creator, reader].map(async (one) => (await askAsAdmin(site.app, one, route)).status);
    expect(await Promise.all(statuses)).toEqual([403, 404, 200]);
    const video = published.get('faststart.mp4');
    expect(await askAsAdmin(site.app, creator, `/assets/${video}`)).toMatchObject({ status: 404 });
    expect(await askAsAdmin(site.app, reader, `/assets/${video}`)).toMatchObject({ status: 200 });
  });

  describe.skipIf(!CHROMIUM)('in Chromium, one after the other in one page', () => {
    let host: BrowserHost;
    beforeAll(async () => {
      host = await openBrowserHost();
    });
    afterAll(() => host?.close());

    interface Seen {
      seconds: number;
      size: string;
      ranges: number;
      frames: number;
    }

    async function watch(player: string, url: string): Promise<Seen> {
      const page = await host.start(player, url, 3);
      const element = playerOf(page);
      await expect.poll(() => element.evaluate((one: HTMLVideoElement) => one.ended), { timeout: 30_000 }).toBe(true);
      expect(await problemsOf(page)).toEqual([]);
      return element.evaluate((one: HTMLVideoElement) => ({
        seconds: one.duration,
        size: `${one.videoWidth}x${one.videoHeight}`,
        ranges: one.buffered.length,
        frames: one.getVideoPlaybackQuality().totalVideoFrames,
      }));
    }

    it.each([
      'faststart.mp4',
      'tail-moov.mp4',
      'fragmented.mp4',
      'smooth.ismv',
      'matroska.mkv',
      'transport.ts',
      'silent.mp4',
      'rotated.mov',
      'vfr.mp4',
      'languages.mp4',
      'audio-only.m4a',
      'sparse.mp4',
      'vp9.webm',
      'av1.mp4',
      'ten-bit.mp4',
    ])('%s plays to its end in hls.js', async (name) => {
      const { seconds, frames, size = '320x180' } = PLAYED[name] as Played;
      const { urls } = await mint(site.app, published.get(name) ?? '', site.viewer.jwt);
      const seen = await watch('hls.js', urls.hls ?? '');
      expect(Math.abs(seen.seconds - seconds)).toBeLessThan(0.12);
      expect(seen.ranges).toBe(1);
      if (frames > 0) expect(seen.frames).toBeGreaterThan(0);
      const shown = frames === 0 ? '0x0' : name === 'sparse.mp4' ? '160x90' : size;
      expect(seen.size).toBe(shown);
    });

    it.each(['mp3.mp4', 'sound.mp3'])('%s plays to its end as a plain file', async (name) => {
      const { urls } = await mint(site.app, published.get(name) ?? '', site.viewer.jwt);
      expect(Math.abs((await watch('native', urls.mp4 ?? '')).seconds - 3)).toBeLessThan(0.12);
    });
  });
});
