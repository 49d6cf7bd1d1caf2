import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FilmLimits } from '../../../../server/contracts';
import { rungMaker } from '../../../../streamer/src/ingest/kinds/rung';
import { soundLabelOf } from '../../../../streamer/src/ingest/ladder/sound-label';
import { openScratch } from '../../../../streamer/src/ingest/scratch';
import { sniffFilm } from '../../../../streamer/src/ingest/tools/film-input';
import { createToolbox, type Toolbox } from '../../../../streamer/src/ingest/tools/toolbox';
import { planAsset } from '../../../../streamer/src/packager/asset-plan';
import { Film } from '../../../../streamer/src/packager/film';
import { toLanguageTag } from '../../../../streamer/src/packager/track-label';
import { oddClips } from '../../../support/odd-clips';
import { FFMPEG, ffmpeg } from '../../../support/tools';

const GIB = 1024 ** 3;
const LIMITS: FilmLimits = {
  ...{ maxSidePixels: 8192, maxDurationSeconds: 3600, maxTracks: 64, maxFrameRate: 120, maxSamples: 100_000 },
};

describe.skipIf(!FFMPEG)('a rung of an odd film', () => {
  let root: string;
  let at: (name: string) => string;
  let toolsWith: (file: string) => Toolbox;

  beforeAll(async () => {
    at = await oddClips();
    root = await mkdtemp(path.join(tmpdir(), 'protected-vod-rungs-'));
    const confinement = { wrap: (command: readonly string[]) => [...command], layers: [], missing: [] };
    toolsWith = (file) => createToolbox({ ffmpeg: file, confinement, root, memoryBytes: GIB, maxSeconds: 60 });
  }, 60_000);
  afterAll(() => rm(root, { recursive: true, force: true }));

  interface Wanted {
    followsSource?: boolean;
    height?: number;
    durationSeconds?: number;
    /** Of a film that the plugin could not read. */
    limits?: FilmLimits;
    /** Another one than this machine's. */
    ffmpeg?: string;
  }

  async function make(name: string, wanted: Wanted = {}): Promise<string> {
    const { followsSource = true, height = 90, durationSeconds = 3, limits } = wanted;
    const area = `ingest/${path.basename(name)}`;
    await mkdir(path.join(root, area), { recursive: true });
    const outputs = [{ name: '90p.mp4', storageKey: `${area}/1/90p.mp4` }];
    const scratch = await openScratch(root, { scratch: area, attempt: 1, outputs } as never);
    const made = await rungMaker('90p.mp4')({
      film: await sniffFilm(path.isAbsolute(name) ? name : at(name)),
      durationSeconds,
      ...(limits && { limits }),
      scratch,
      tools: toolsWith(wanted.ffmpeg ?? FFMPEG ?? ''),
      maxPixels: 1e7,
      signal: new AbortController().signal,
      progressed: () => undefined,
      described: () => undefined,
      noted: () => undefined,
      rung: { height, followsSource, preset: 'ultrafast' },
    });
    return made.get('90p.mp4') ?? '';
  }

  /** The real one behind a script with this case of its arguments. */
  async function lesserFfmpeg(branch: string): Promise<string> {
    const file = path.join(root, 'lesser-ffmpeg');
    await writeFile(file, `#!/bin/sh\ncase " $* " in ${branch};; esac\nexec ${FFMPEG} "$@"\n`, { mode: 0o755 });
    return file;
  }

  /** Of the pictures as a decoder gives them, in seconds. */
  async function timesOf(file: string): Promise<number[]> {
    const report = await ffmpeg('-i', file, '-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'framemd5', '-');
    const [, numerator, denominator] = /#tb 0: (\d+)\/(\d+)/.exec(report) ?? [];
    const rows = report.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return rows.map((row) => (Number(row.split(',')[2]) * Number(numerator)) / Number(denominator));
  }

  const plan = (...files: string[]) =>
    planAsset(
      files.map((file, index) => ({ id: index === 0 ? 'source' : '90p', storageKey: 'x', sizeBytes: 0, path: file })),
      async (file, task) => {
        const film = await Film.open(file);
        return film.use(task).finally(() => film.retire());
      },
    );

  it.each([
    'faststart.mp4',
    'fragmented.mp4',
    'matroska.mkv',
    'transport.ts',
    'vfr.mp4',
    'rotated.mov',
    'sparse.mp4',
    'hevc.mp4',
    'vp9.webm',
    'av1.mp4',
    'ten-bit.mp4',
    'languages.mp4',
    'mp3.mp4',
    'ac3.mp4',
  ])('%s: has every picture at its time, and is cut where the source is', async (name) => {
    const made = await make(name);
    const [source, rung] = [await timesOf(at(name)), await timesOf(made)];
    expect(rung).toHaveLength(source.length);
    const [first = 0, firstMade = 0] = [source[0], rung[0]];
    for (const [index, time] of source.entries()) {
      expect(Math.abs((rung[index] ?? 0) - firstMade - (time - first))).toBeLessThan(1e-4);
    }
    const { presentation } = await plan(at(name), made);
    const [one, other] = presentation.tracks.filter(({ kind }) => kind === 'video');
    const starts = (track: typeof one) => track?.segments.map(({ startSeconds }) => Math.round(startSeconds * 1e4));
    expect(starts(other)).toEqual(starts(one));
    expect(other?.independent).toBe(true);
    expect(Math.min(other?.width ?? 0, other?.height ?? 0)).toBe(90);
    const sounds = (rendition: string) =>
      presentation.tracks.filter((track) => track.kind === 'audio' && track.rendition === rendition);
    expect(sounds('90p').map(({ language, name: label }) => [language, label])).toEqual(
      sounds('source').map(({ language, name: label }) => [language, label]),
    );
    for (const { codec } of sounds('90p')) expect(codec).toBe('mp4a.40.2');
  });

  it.each([
    // So many of its 75 pictures are to be seen.
    ['trimmed.mp4', 42],
    ['trimmed-late.mp4', 37],
    ['trimmed-end.mp4', 50],
    ['cut-out.mp4', 50],
    ['slow-motion.mp4', 75],
    ['receiver.ts', 75],
    ['camera.mov', 75],
  ])('%s: is converted by cuts of its own, and what is hidden in it is not in the result', async (name, pictures) => {
    const made = await make(name, { followsSource: false });
    expect(await timesOf(made)).toHaveLength(pictures);
    const { tracks } = (await plan(made)).presentation;
    expect(tracks.filter(({ kind }) => kind === 'video')).toMatchObject([{ independent: true }]);
    expect(tracks.find(({ kind }) => kind === 'audio')?.codec).toBe('mp4a.40.2');
  });

  it('a converted film keeps languages and names of its sound', async () => {
    const source = path.join(root, 'titles.mkv');
    await ffmpeg(
      ...['-i', at('faststart.mp4'), '-t', '1', '-map', '0:v', '-map', '0:a', '-map', '0:a', '-c:v', 'copy'],
      ...['-c:a', 'pcm_s16le', '-metadata:s:a:0', 'language=ger', '-metadata:s:a:0', 'title=Ton\n für "alle"'],
      ...['-metadata:s:a:1', 'language=eng', '-y', source],
    );
    const soundsOf = async (film: string) => {
      const { tracks } = (await plan(await make(film, { followsSource: false }))).presentation;
      return tracks.flatMap(({ kind, language, name }) => (kind === 'audio' ? [[language, name]] : []));
    };
    expect(await soundsOf(source)).toEqual([
      ['de', 'Ton für "alle"'],
      ['en', 'English'],
    ]);
    expect(await soundsOf('trimmed-languages.mp4')).toEqual([
      ['de', 'Ton für alle'],
      ['en', `Director's "cut"`],
    ]);
  });

  it.each([
    ['deu', 'deu'],
    ['ger', 'de'],
    ['de', 'de'],
    ['pt-BR', 'pt'],
    ['haw', 'haw'],
    ['eng,deu', 'und'],
    ['', 'und'],
    ['x', 'und'],
  ])('the language %j of a film becomes one of three letters', (given, meant) => {
    const { language } = soundLabelOf(new Map([['language', given]]));
    expect(language).toMatch(/^[a-z]{3}$/);
    expect(toLanguageTag(language)).toBe(toLanguageTag(meant));
  });

  it('the name of a track is one line, and no longer than a menu has room for', () => {
    const nameOf = (title: string) => soundLabelOf(new Map([['title', title]])).name;
    expect(nameOf('a\n\tb\u0000c\u001b')).toBe('a b c');
    expect(nameOf('\u{1F3A7}'.repeat(500))).toBe('\u{1F3A7}'.repeat(100));
    expect(nameOf(' \n')).toBeNull();
  });

  it('a long film of another codec is converted in several chunks, also where it ends before it says so', async () => {
    const film = path.join(root, 'long.webm');
    await ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=size=64x36:rate=10:duration=130', '-f', 'lavfi', '-i', 'sine=duration=130'],
      ...['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', '70', '-c:a', 'libvorbis', '-y', film],
    );
    const made = await make(film, { followsSource: false, height: 1080, durationSeconds: 400 });
    const times = await timesOf(made);
    expect(times.map((time) => Math.round(time * 10))).toEqual(Array.from({ length: 1300 }, (_, index) => index));
    const { tracks } = (await plan(made)).presentation;
    expect(tracks.map(({ id, segments }) => [id, segments.length])).toEqual([
      ['source-v1', 17],
      ['source-a1', 17],
    ]);
    const pieces = (await readdir(path.join(root, 'ingest', 'long.webm'))).filter((name) =>
      name.startsWith('picture-'),
    );
    expect(pieces.length).toBeGreaterThan(2);
  });

  describe('whose times begin anew', () => {
    const UNREAD = { followsSource: false, durationSeconds: 0, limits: LIMITS };
    let first: string;
    let other: string;

    /** Three seconds: a picture and a sound that both go on for all of it. */
    async function part(name: string, note: number): Promise<string> {
      const file = path.join(root, name);
      await ffmpeg(
        ...['-f', 'lavfi', '-i', 'testsrc2=size=64x36:rate=25:duration=3', '-f', 'lavfi'],
        ...[
          '-i',
          `sine=frequency=${note}:duration=3`,
          '-c:v',
          'mpeg2video',
          '-g',
          '12',
          '-bf',
          '2',
          '-c:a',
          'mp2',
          '-f',
          'vob',
        ],
        ...['-y', file],
      );
      return file;
    }

    async function joined(name: string, ...parts: string[]): Promise<string> {
      const file = path.join(root, name);
      await writeFile(file, Buffer.concat(await Promise.all(parts.map((one) => readFile(one)))));
      return file;
    }

    async function transported(file: string, ...options: string[]): Promise<string> {
      await ffmpeg('-i', file, '-c', 'copy', ...options, '-f', 'mpegts', '-y', `${file}.ts`);
      return `${file}.ts`;
    }

    /** In tenths of a second: where the higher note begins, and where the sound ends. */
    async function notesOf(file: string): Promise<[number, number]> {
      const raw = path.join(root, 'notes.raw');
      await ffmpeg('-i', file, '-map', '0:a:0', '-ac', '1', '-ar', '48000', '-f', 's16le', '-y', raw);
      const bytes = await readFile(raw);
      const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
      const crossings = Array.from({ length: Math.round(samples.length / 4800) }, (_, tenth) => {
        const some = samples.subarray(tenth * 4800, (tenth + 1) * 4800);
        return some.filter((sample, at) => sample < 0 !== (some[at - 1] ?? sample) < 0).length;
      });
      return [crossings.findIndex((count) => count > 132), crossings.length];
    }

    beforeAll(async () => {
      first = await part('first.vob', 440);
      other = await part('other.vob', 880);
    });

    it.each<[string, () => Promise<string>]>([
      ['a DVD’s', () => joined('joined.vob', first, other)],
      ['a receiver’s', async () => joined('joined.ts', await transported(first), await transported(other))],
      [
        'a receiver’s, after an hour',
        async () => joined('late.ts', await transported(first), await transported(other, '-output_ts_offset', '3600')),
      ],
    ])('as %s: is converted whole, each picture at its time, with the sound that belongs to it', async (_, source) => {
      const made = await make(await source(), UNREAD);
      const times = await timesOf(made);
      expect(times).toHaveLength(150);
      for (const [index, time] of times.entries())
        expect(Math.abs(time - (times[0] ?? 0) - index / 25)).toBeLessThan(0.05);
      const [higher, end] = await notesOf(made);
      expect(Math.abs(higher - 30)).toBeLessThanOrEqual(1);
      expect(Math.abs(end - 60)).toBeLessThanOrEqual(1);
    });

    it('is refused for good where that was not seen, and not cut in silence', async () => {
      const unseen = await lesserFfmpeg('*" file:times.txt "*) : >times.txt; exit');
      const source = await joined('unseen.vob', first, other);
      const error = await make(source, { ...UNREAD, ffmpeg: unseen }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ reason: 'source-length-unclear', isFinal: true });
    });

    it('is looked for: a film of that kind whose times go on keeps those', async () => {
      const calls = path.join(root, 'calls');
      const watched = await lesserFfmpeg(`*" passthrough "*) echo "$*" >>${calls}`);
      expect(await timesOf(await make(first, { ...UNREAD, ffmpeg: watched }))).toHaveLength(75);
      expect(await readFile(calls, 'utf8')).toContain(' -copyts ');
    });
  });

  it.each<[string, Wanted]>([
    ['measured', { durationSeconds: 0, limits: LIMITS }],
    ['told by the plugin', { durationSeconds: 6 }],
  ])('that becomes shorter than was %s is refused for good, and not cut in silence', async (_, known) => {
    const film = path.join(root, 'damaged.avi');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x36:rate=10:duration=6', '-c:v', 'mjpeg', '-y', film);
    await rm(path.join(root, 'ingest', 'damaged.avi'), { recursive: true, force: true });
    const hasty = await lesserFfmpeg(`*" passthrough "*) set -- -t 2 "$@"`);
    const error = await make(film, { followsSource: false, ...known, ffmpeg: hasty }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ reason: 'source-length-unclear', isFinal: true });
  });

  it('with more pictures than the site allows of a track is refused for good', async () => {
    const film = path.join(root, 'many.avi');
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=64x36:rate=10:duration=2', '-c:v', 'mjpeg', '-y', film);
    const error = await make(film, {
      ...{ followsSource: false, durationSeconds: 0, limits: { ...LIMITS, maxSamples: 19 } },
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: 'source-has-too-many-samples', isFinal: true });
  });

  it.each([
    ['is more than any names are', 'ulimit -f 2048', 'Ton'],
    ['cannot be told', 'exit 1', 'Audio 1'],
  ])('what a film says of itself that %s costs a name at most', async (_, limit, name) => {
    const film = path.join(root, 'wordy.mkv');
    const said = path.join(root, 'said.txt');
    await writeFile(said, `;FFMETADATA1\ncomment=${'x'.repeat(1.2e6)}\n`);
    await ffmpeg(
      ...['-i', at('faststart.mp4'), '-i', said, '-t', '1', '-map', '0:v', '-map', '0:a', '-map_metadata:g', '1'],
      ...['-c:v', 'copy', '-c:a', 'pcm_s16le', '-metadata:s:a:0', 'title=Ton', '-y', film],
    );
    const lesser = await lesserFfmpeg(`*" ffmetadata "*) ${limit}`);
    await rm(path.join(root, 'ingest', 'wordy.mkv'), { recursive: true, force: true });
    const made = await make(film, { followsSource: false, durationSeconds: 1, ffmpeg: lesser });
    const { tracks } = (await plan(made)).presentation;
    expect(tracks.flatMap((track) => (track.kind === 'audio' ? [track.name] : []))).toEqual([name]);
  });

  it('in parts that are there already nothing is made again', async () => {
    const made = await readFile(await make('tail-moov.mp4'));
    const shared = path.join(root, 'ingest', 'tail-moov.mp4');
    const kept = async () => {
      const names = (await readdir(shared)).filter((name) => name.endsWith('.mp4'));
      return Promise.all(names.map(async (name) => [name, (await stat(path.join(shared, name))).ino]));
    };
    const before = await kept();
    await rm(path.join(shared, '1'), { recursive: true });
    expect(await readFile(await make('tail-moov.mp4'))).toEqual(made);
    expect(before).toHaveLength(2);
    expect(await kept()).toEqual(before);
    // Other settings make other parts, and those are not taken for them.
    await rm(path.join(shared, '1'), { recursive: true });
    await make('tail-moov.mp4', { height: 60 });
    const [picture, sound] = await kept();
    expect(before).not.toContainEqual(picture);
    expect(before).toContainEqual(sound);
  });
});
