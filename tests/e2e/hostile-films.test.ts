import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FilmInspection } from '../../server/src/storage/inspection/film-inspection';
import {
  aviWithSubtitles,
  clipOfWidth,
  clipWith,
  clipWithTracks,
  fragmentBomb,
  playlistsTo,
} from '../support/hostile/films';
import { type MediaAnswer, uploadToMediaLibrary } from '../support/media-library';
import { type AdminAccount, createAdmin } from '../support/strapi-accounts';
import { type StrapiApp, startStrapiApp } from '../support/strapi-app';

const TERABYTE = 1024 ** 4;

let app: StrapiApp;
let admin: AdminAccount;
let listener: Server;
let address: string;
let connections = 0;
let scratch: string;

/** The longest time for which Strapi answered nobody while `work` ran. */
async function longestSilence(work: Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 20);
  await work;
  clearInterval(watch);
  return Math.max(longest, performance.now() - last);
}

/** How much more memory the process had at any moment while `work` ran. */
async function mostMemory(work: Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 10);
  await work;
  clearInterval(watch);
  return most - before;
}

const upload = (bytes: Buffer, name = 'bomb.mp4'): Promise<MediaAnswer> =>
  uploadToMediaLibrary(app, admin, { name, bytes });

/** A file of a terabyte that takes no room on the disk. */
async function sparse(pieces: [at: number, bytes: Buffer][]): Promise<string> {
  const file = path.join(scratch, 'sparse.mp4');
  const handle = await open(file, 'w');
  await handle.truncate(TERABYTE);
  for (const [at, bytes] of pieces) await handle.write(bytes, 0, bytes.length, at);
  await handle.close();
  return file;
}

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'hostile-films-'));
  listener = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  address = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  app = await startStrapiApp({ pluginConfig: { streamer: { mode: 'external' }, inspection: { timeoutSeconds: 3 } } });
  admin = await createAdmin(app);
});

afterAll(async () => {
  await app.stop();
  listener.close();
  await rm(scratch, { recursive: true, force: true });
});

describe('T24 a film whose tables promise four billion samples', () => {
  test.each([
    ['ctts', { 8: 0xffffffff }],
    ['stts', { 8: 0xffffffff }],
    ['stsz', { 8: 0xffffffff }],
  ] as const)('%s: is refused before anybody counts them', async (table, fields) => {
    const { status, error } = await upload(clipWith(table, fields));
    expect([status, error.details.code]).toEqual([400, 'film-has-too-many-samples']);
    expect(error.message).toMatch(
      /^“bomb.mp4” has too many samples: 4,29\d,\d{3},\d{3} in one track; this site allows 3,000,000/,
    );
  });

  test('all in one chunk: it is refused, for each of them would have to be found among all', async () => {
    const { status, error } = await upload(clipWith('stsc', { 12: 500_000 }));
    expect([status, error.details.code]).toEqual([400, 'film-is-too-complex']);
  });

  test('in a fragment: it is refused, and the site goes on meanwhile', async () => {
    const answer = upload(fragmentBomb());
    // Strapi shares this process.
    expect(await longestSilence(answer)).toBeLessThan(2_000);
    const { status, error } = await answer;
    expect([status, error.details.code]).toEqual([400, 'film-is-too-complex']);
    expect(error.message).toContain('“bomb.mp4” could not be checked');
  });
});

describe('a film beyond what real ones are', () => {
  test.each([
    ['30,000 pixels', () => clipOfWidth(30_000), 'film-has-too-many-pixels', /30,000 pixels on a side/],
    [
      'an endless duration',
      () => clipWith('stts', { 12: 0xffffffff }),
      'film-is-too-long',
      /is too long: [\d,.]{9,} seconds/,
    ],
    [
      'a million pictures a second',
      () => clipWith('ctts', { 4: 0 }, clipWith('stts', { 12: 1 }, clipWith('mdhd', { 12: 1_000_000 }))),
      'film-has-too-many-pictures',
      /1,000,000; this site allows 480/,
    ],
    ['500 tracks', () => clipWithTracks(498), 'film-has-too-many-tracks', /500; this site allows 64/],
  ])('%s: is refused, in a sentence that names it', async (_, make, code, sentence) => {
    const { status, error } = await upload(make());
    expect([status, error.details.code]).toEqual([400, code]);
    expect(error.message).toMatch(sentence);
  });
});

describe('a terabyte without content', () => {
  const header = (...parts: (string | number[])[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
  const size = (bytes: number) => {
    const long = Buffer.alloc(8);
    long.writeBigUInt64BE(BigInt(bytes));
    return [...long];
  };
  const FTYP = header([0, 0, 0, 16], 'ftypisom', [0, 0, 2, 0]);
  const EBML = header([0x1a, 0x45, 0xdf, 0xa3, 0x8b, 0x42, 0x82, 0x88], 'matroska');
  const SEGMENT = [0x18, 0x53, 0x80, 0x67, 0x01, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff];
  const CLUSTER = [0x1f, 0x43, 0xb6, 0x75, 0x01, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff];
  const CLUES = [0x1c, 0x53, 0xbb, 0x6b, 0x01, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];

  test.each<[string, [number, Buffer][]]>([
    ['nothing but zeros', []],
    ['an MP4 without tables', [[0, Buffer.concat([FTYP, header([0, 0, 0, 1], 'mdat', size(TERABYTE - 16))])]]],
    ['tables of a terabyte', [[0, Buffer.concat([FTYP, header([0, 0, 0, 1], 'moov', size(TERABYTE - 16))])]]],
    ['tables of three gigabytes', [[0, Buffer.concat([FTYP, header([0xb0, 0, 0, 0], 'moov')])]]],
    [
      'boxes of eight bytes',
      [
        [0, FTYP],
        [16, Buffer.concat(Array(200_000).fill(header([0, 0, 0, 8], 'free')))],
      ],
    ],
    ['a Matroska cluster of a terabyte', [[0, Buffer.concat([EBML, header(SEGMENT, CLUSTER)])]]],
    ['a Matroska index of four gigabytes', [[0, Buffer.concat([EBML, header(SEGMENT, CLUES)])]]],
    ['MPEG audio of one frame', [[0, header([0xff, 0xfb, 0x90, 0x64])]]],
    ['WAVE of a terabyte', [[0, header('RIFF', [0xff, 0xff, 0xff, 0xff], 'WAVEfmt ', [16, 0, 0, 0, 1, 0, 2, 0])]]],
    [
      'a transport stream of three packets',
      [0, 188, 376].map((at): [number, Buffer] => [at, header([0x47, 0x1f, 0xff, 0x10])]),
    ],
  ])('%s: is refused, in bounded time and memory', async (_, pieces) => {
    const file = await sparse(pieces);
    const inspecting: Promise<FilmInspection> = app.strapi
      .plugin('protected-vod')
      .service('film-judging')
      .inspect(file, 'sparse.mp4');
    expect(await mostMemory(inspecting)).toBeLessThan(500 * 1024 ** 2);
    expect(await inspecting).toMatchObject({ refusal: { sentence: expect.stringContaining('sparse.mp4') } });
  });
});

describe('presentations of other formats, named as a film', () => {
  test.each(Object.keys(playlistsTo('')))('%s: is refused, and nothing that it names is read', async (format) => {
    const { status, error } = await upload(Buffer.from(playlistsTo(address)[format] ?? ''), 'film.mp4');
    expect(status).toBe(400);
    expect(['film-is-playlist', 'film-is-not-a-film']).toContain(error.details.code);
    expect(connections).toBe(0);
  });

  test('an AVI with a playlist for subtitles: is kept, played to nobody, and nothing that it names is read', async () => {
    const { status, file } = await upload(aviWithSubtitles(address), 'film.avi');
    expect(status).toBe(201);
    expect(file).toMatchObject({ protectedVod: { verdict: 'transcode-first' } });
    expect(connections).toBe(0);
  });
});
