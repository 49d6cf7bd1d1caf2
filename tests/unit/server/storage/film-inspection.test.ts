import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectFilm } from '../../../../server/src/storage/inspection/film-inspection';
import { hasFilmExtension, isFilmType } from '../../../../server/src/storage/inspection/film-kind';
import type { InspectionLimits } from '../../../../server/src/storage/inspection/inspection-config';
import {
  CLIP_PATH,
  clip,
  clipWithHiddenLeadIn,
  clipWithoutData,
  clipWithoutEnd,
  picture,
} from '../../../support/clips';
import { type Edit, withEdits } from '../../../support/mp4-edits';

const LIMITS: InspectionLimits = {
  maxSidePixels: 4096,
  maxDurationSeconds: 3600,
  maxTracks: 8,
  maxSamples: 10_000,
  maxFrameRate: 120,
  timeoutSeconds: 20,
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pvod-inspect-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function inspectBytes(bytes: Buffer | string, limits: Partial<InspectionLimits> = {}) {
  const target = path.join(directory, 'x.mp4');
  await writeFile(target, bytes);
  return inspectFilm(target, 'x.mp4', { ...LIMITS, ...limits });
}

test('a real film: type, duration, tracks, and what can be done with it', async () => {
  expect(await inspectFilm(CLIP_PATH, 'bunny.mp4', LIMITS)).toEqual({
    film: {
      mime: 'video/mp4',
      durationSeconds: 30,
      tracks: [
        { kind: 'video', codec: 'avc', language: 'und', width: 1920, height: 1080 },
        { kind: 'audio', codec: 'aac', language: 'und' },
      ],
    },
    judgement: {
      verdict: 'playable-and-better-later',
      reason: 'key-pictures-are-sparse',
      sentence:
        '“bunny.mp4” can be watched now. Its key pictures are up to 11 seconds apart, so starting and jumping take longer.',
    },
  });
});

describe('what is refused', () => {
  test.each([
    ['nothing at all', '', 'film-is-empty'],
    ['text', 'hello', 'film-is-not-a-film'],
    [
      'text that ends in the middle of a letter',
      Buffer.from('hällo'.repeat(1000)).subarray(0, 4099),
      'film-is-not-a-film',
    ],
    ['HLS', '#EXTM3U\n', 'film-is-playlist'],
    ['HLS behind a byte-order mark and blank lines', '\ufeff\n\n#EXTM3U\n', 'film-is-playlist'],
    ['DASH', '<?xml version="1.0"?>\n<!-- x -->\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">', 'film-is-playlist'],
    ['an ffmpeg list', 'ffconcat version 1.0\nfile /etc/passwd\n', 'film-is-playlist'],
    ['a picture', picture(), 'film-is-not-a-film'],
    ['zeros', Buffer.alloc(100_000), 'film-is-not-a-film'],
    ['an MP4 without its tables', clipWithoutEnd(), 'film-is-incomplete'],
    ['an MP4 without its data', clipWithoutData(), 'film-is-incomplete'],
    [
      'music as notes',
      Buffer.from('MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60MTrk', 'latin1'),
      'film-has-unknown-format',
    ],
  ])('%s', async (_, bytes, code) => {
    expect(await inspectBytes(bytes)).toMatchObject({ refusal: { code } });
  });
});

test('a film of which the end of one track is missing is incomplete', async () => {
  const bytes = clip();
  const table = bytes.indexOf('stco', bytes.lastIndexOf('soun'));
  const last = table + 8 + 4 * bytes.readUInt32BE(table + 8);
  bytes.writeUInt32BE(bytes.length - 10, last);
  expect(await inspectBytes(bytes)).toMatchObject({ refusal: { code: 'film-is-incomplete' } });
});

test('a sound track that was made and never written to does no harm', async () => {
  const bytes = clip();
  const sound = bytes.lastIndexOf('soun');
  for (const [table, at] of [
    ['stts', 8],
    ['stsz', 12],
    ['stsc', 8],
    ['stco', 8],
  ] as const) {
    bytes.writeUInt32BE(0, bytes.indexOf(table, sound) + at);
  }
  const inspection = await inspectBytes(bytes);
  expect(inspection).toMatchObject({ film: { tracks: [{ kind: 'video' }] } });
});

describe('what is kept and transcoded first', () => {
  test('a container that the packager does not read', async () => {
    const avi = Buffer.concat([Buffer.from('RIFF\x00\x00\x10\x00AVI LIST', 'latin1'), Buffer.alloc(5000)]);
    expect(await inspectBytes(avi)).toEqual({
      film: { mime: 'video/vnd.avi', durationSeconds: 0, tracks: [] },
      judgement: {
        verdict: 'transcode-first',
        reason: 'container-needs-transcode',
        sentence:
          '“x.mp4” has a format that browsers cannot play (AVI). It is kept, and cannot be watched before it has been ' +
          'converted. Or export it as MP4 (H.264, AAC) and upload that.',
      },
    });
  });

  test('a film that begins with what was trimmed away', async () => {
    expect(await inspectBytes(clipWithHiddenLeadIn())).toMatchObject({ judgement: { reason: 'has-hidden-part' } });
  });
});

/** The clip shows its first picture at 1024 of 12288 ticks, and has 30 seconds. */
const BEGIN = 1024 / 12_288;

describe('edit lists', () => {
  test.each<[string, string, Edit[]]>([
    ['none of it hidden', 'key-pictures-are-sparse', [[30, BEGIN]]],
    [
      'begins later, with all of it',
      'key-pictures-are-sparse',
      [
        [3, null],
        [30, BEGIN],
      ],
    ],
    ['shown to the end, whatever its length', 'key-pictures-are-sparse', [[0, BEGIN]]],
    [
      'in two pieces that follow one another',
      'key-pictures-are-sparse',
      [
        [10, BEGIN],
        [20, BEGIN + 10],
      ],
    ],
    [
      'a pause behind it',
      'key-pictures-are-sparse',
      [
        [30, BEGIN],
        [5, null],
      ],
    ],
    ['one picture at the beginning hidden', 'has-hidden-part', [[30, BEGIN + 1 / 24]]],
    [
      'the beginning hidden behind a pause that is longer',
      'has-hidden-part',
      [
        [5, null],
        [27, BEGIN + 3],
      ],
    ],
    ['half a second at the end hidden', 'has-hidden-part', [[29.5, BEGIN]]],
    [
      'a second in the middle hidden',
      'has-hidden-part',
      [
        [10, BEGIN],
        [19, BEGIN + 11],
      ],
    ],
    ['all of it hidden', 'has-hidden-part', [[30, null]]],
    [
      'a part shown twice',
      'has-unclear-edits',
      [
        [10, BEGIN],
        [25, BEGIN + 5],
      ],
    ],
    ['slower', 'has-unclear-edits', [[60, BEGIN, 0.5]]],
    [
      'a pause in the middle',
      'has-unclear-edits',
      [
        [10, BEGIN],
        [1, null],
        [20, BEGIN + 10],
      ],
    ],
  ])('%s: %s', async (_, reason, edits) => {
    expect(await inspectBytes(withEdits(clip(), edits))).toMatchObject({ judgement: { reason } });
  });
});

test.each(['tkhd', 'mdhd', 'elst'])('two boxes %s in one track: nobody knows which one counts', async (type) => {
  const bytes = clip();
  const moov = bytes.lastIndexOf('moov') - 4;
  const found = bytes.indexOf(type, moov) - 4;
  const twice = bytes.subarray(found, found + bytes.readUInt32BE(found));
  const track = bytes.indexOf('trak', moov) - 4;
  // At the beginning of the track; its size and that of the tables grow with it.
  const grown = Buffer.concat([bytes.subarray(0, track + 8), twice, bytes.subarray(track + 8)]);
  for (const at of [moov, track]) grown.writeUInt32BE(bytes.readUInt32BE(at) + twice.length, at);
  expect(await inspectBytes(grown)).toMatchObject({ judgement: { reason: 'has-unclear-edits' } });
});

describe('limits: beyond them a film is refused, in a sentence that names limit and value', () => {
  test.each<[keyof InspectionLimits, number, string, string]>([
    [
      'maxSidePixels',
      1919,
      'film-has-too-many-pixels',
      'The picture of “x.mp4” is too large: 1,920 pixels on a side; this site allows 1,919 (inspection.maxSidePixels).',
    ],
    [
      'maxDurationSeconds',
      29,
      'film-is-too-long',
      '“x.mp4” is too long: 30 seconds; this site allows 29 (inspection.maxDurationSeconds).',
    ],
    [
      'maxTracks',
      1,
      'film-has-too-many-tracks',
      '“x.mp4” has too many tracks: 2; this site allows 1 (inspection.maxTracks).',
    ],
    [
      'maxSamples',
      1000,
      'film-has-too-many-samples',
      '“x.mp4” has too many samples: 1,408 in one track; this site allows 1,000 (inspection.maxSamples).',
    ],
    [
      'maxFrameRate',
      23,
      'film-has-too-many-pictures',
      '“x.mp4” has too many pictures per second: 24; this site allows 23 (inspection.maxFrameRate).',
    ],
  ])('%s', async (limit, value, code, sentence) => {
    expect(await inspectBytes(clip(), { [limit]: value })).toEqual({ refusal: { code, sentence } });
  });
});

describe('S22 what says audio or video', () => {
  test.each(['video/mp4', 'AUDIO/mpeg; codecs=x', 'application/ogg', 'application/vnd.apple.mpegurl'])('%s', (type) => {
    expect(isFilmType(type)).toBe(true);
  });
  test.each(['a.MP4', 'a.mkv', 'a.m3u8', 'a.mpd', 'a.ogx', 'a.m2ts', 'a.mp3', '.mov'])('%s', (name) => {
    expect(hasFilmExtension(name)).toBe(true);
  });
  test.each(['a.png', 'a.pdf', 'mp4', 'a.mp4.zip', 'a.vtt', ''])('not %j', (name) => {
    expect(hasFilmExtension(name)).toBe(false);
  });
});
