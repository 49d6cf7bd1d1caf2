import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectFilm } from '../../../../server/src/storage/inspection/film-inspection';
import { hasFilmExtension, isFilmType } from '../../../../server/src/storage/inspection/film-kind';
import { CLIP_PATH, clipWithHiddenLeadIn, clipWithoutData, clipWithoutEnd, picture } from '../../../support/clips';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'pvod-inspect-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function inspectBytes(bytes: Buffer | string) {
  const target = path.join(directory, 'x.mp4');
  await writeFile(target, bytes);
  return inspectFilm(target, 'x.mp4');
}

test('a real film: type, duration and tracks', async () => {
  expect(await inspectFilm(CLIP_PATH, 'bunny.mp4')).toEqual({
    film: {
      mime: 'video/mp4',
      durationSeconds: 30,
      tracks: [
        { kind: 'video', codec: 'avc', language: 'und', width: 1920, height: 1080 },
        { kind: 'audio', codec: 'aac', language: 'und' },
      ],
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
    ['an MP4 with a hidden lead-in', clipWithHiddenLeadIn(), 'film-has-hidden-lead-in'],
    [
      'an AVI',
      Buffer.concat([Buffer.from('RIFF\x00\x00\x10\x00AVI LIST', 'latin1'), Buffer.alloc(5000)]),
      'film-has-unknown-format',
    ],
  ])('%s', async (_, bytes, code) => {
    expect(await inspectBytes(bytes)).toMatchObject({ refusal: { code } });
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
