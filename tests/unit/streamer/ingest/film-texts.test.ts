import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { areOutputsOf } from '../../../../server/src/services/ingest/kinds';
import {
  describeSubtitles,
  publishChapters,
  publishSubtitles,
} from '../../../../streamer/src/ingest/kinds/embedded-text';
import { formatWaveform, parsePeaks, samplesPerPair } from '../../../../streamer/src/ingest/kinds/waveform-peaks';
import { sniffFilm } from '../../../../streamer/src/ingest/tools/film-input';
import { parseMetadata } from '../../../../streamer/src/ingest/tools/film-metadata';
import { probeFlags, probeTexts } from '../../../../streamer/src/ingest/tools/film-texts';
import { readToolFile } from '../../../../streamer/src/ingest/tools/tool-file';
import { createToolbox } from '../../../../streamer/src/ingest/tools/toolbox';
import { NO_FLAGS, parseTrackFlags } from '../../../../streamer/src/ingest/tools/track-flags';
import { FFMPEG, ffmpeg } from '../../../support/tools';

const subtitles = (title: string, language = 'deu') => ({ index: 0, isText: true, language, title });

describe('the metadata of a film', () => {
  it('is read by section, with what was escaped', () => {
    const text = ';FFMETADATA1\nencoder=x\n[STREAM]\nLANGUAGE=deu\ntitle=a\\=b\\;\\#\n[CHAPTER]\nSTART=0\nEND=5\n';
    const sections = parseMetadata(text).map(({ kind, values }) => [kind, Object.fromEntries(values)]);
    expect(sections).toEqual([
      ['film', { encoder: 'x' }],
      ['stream', { language: 'deu', title: 'a=b;#' }],
      ['chapter', { start: '0', end: '5' }],
    ]);
  });

  it('in a text of the film’s author cannot begin a section', () => {
    const sections = parseMetadata(';FFMETADATA1\ntitle=x\\\n[STREAM]\\\nlanguage\\=eng\n[STREAM]\nlanguage=deu');
    expect(sections.map(({ values }) => values.get('language'))).toEqual([undefined, 'deu']);
    expect(sections[0]?.values.get('title')).toBe('x\n[STREAM]\nlanguage=eng');
  });
});

describe('embedded subtitles', () => {
  it('are shown in player time; what was over before that begins is left out', () => {
    const text =
      'WEBVTT\n\n00:00.100 --> 00:00.400\ngone\n\n00:00.400 --> 00:02.000\nhalf\n\n00:05.000 --> 00:05.000\nnever\n';
    expect(publishSubtitles(text, 500)).toBe('WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nhalf\n');
  });

  it('keep what stands behind an empty line, and are left out where nothing can be read', () => {
    const text = 'WEBVTT\n\n00:01.000 --> 00:02.000\none\n\ntwo\n';
    expect(publishSubtitles(text, 0)).toBe('WEBVTT\n\n00:00:01.000 --> 00:00:02.000\none\ntwo\n');
    for (const wrong of [null, '', 'WEBVTT\n', 'WEBVTT\n\n-1:00 --> 2\nx\n', 'x'.repeat(2_000_000)]) {
      expect(publishSubtitles(wrong, 0)).toBeNull();
    }
  });

  it.each([
    ['Deutsch', 'deu', { language: 'de', label: 'Deutsch', kind: 'subtitles' }],
    ['', 'ger', { language: 'de', label: 'German', kind: 'subtitles' }],
    ['English (SDH)', 'eng', { language: 'en', label: 'English (SDH)', kind: 'captions' }],
    [' \u0007\n', 'und', { language: 'und', label: 'Subtitles 4', kind: 'subtitles' }],
    ['x'.repeat(200), 'no tag', { language: 'und', label: 'x'.repeat(100), kind: 'subtitles' }],
  ])('named %j in %j are described', (title, language, expected) => {
    expect(describeSubtitles(subtitles(title, language), 4, NO_FLAGS)).toEqual({ ...expected, default: false });
  });

  it('are what the film’s flags say', () => {
    const all = { isDefault: true, isForced: true, isForHearingImpaired: true };
    expect(describeSubtitles(subtitles('Schilder'), 1, all)).toEqual({
      ...{ kind: 'captions', language: 'de', label: 'Schilder', default: true, forced: true },
    });
  });

  // As ffmpeg 5.1 writes the track’s entry, behind a segment of unknown length.
  it.each([
    ['88810055aa8101', { isDefault: false, isForced: true, isForHearingImpaired: false }],
    ['55ab8101', { isDefault: true, isForced: false, isForHearingImpaired: true }],
    ['888100', NO_FLAGS],
  ])('have the flags of a Matroska header with %s', (flags, expected) => {
    const fixed = 'd7810173c588124f9c975469ad5c9c810022b59c83756e64';
    const entry = Buffer.from(`${fixed}${flags}868b535f544558542f55544638838111`, 'hex');
    const sized = (id: string, data: Buffer) =>
      Buffer.concat([Buffer.from(id, 'hex'), Buffer.from([0x40, data.length]), data]);
    const tracks = sized('1654ae6b', Buffer.concat([sized('bf', Buffer.alloc(4, 0x88)), sized('ae', entry)]));
    const file = Buffer.concat([
      sized('1a45dfa3', Buffer.alloc(20)),
      Buffer.from('1853806701ffffffffffffff', 'hex'),
      tracks,
    ]);
    expect(parseTrackFlags(file)).toEqual(expected);
    for (let length = 0; length < file.length; length += 1) parseTrackFlags(file.subarray(0, length));
    expect(parseTrackFlags(Buffer.alloc(100))).toEqual(NO_FLAGS);
  });

  it('chapters without any name are none', () => {
    expect(publishChapters([{ start: 0, end: 1, title: '' }], 0)).toBeNull();
    const [start, end, title] = [0.5, 2, '<b> & --> \n x'];
    expect(publishChapters([{ start, end, title }], 500)).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n&lt;b&gt; &amp; --&gt; x\n',
    );
  });
});

describe.skipIf(!FFMPEG)('the texts of a film', () => {
  let root: string;
  let run: Parameters<typeof probeTexts>[0];

  /** Long subtitles in two languages, chapters, and a size that tells whether it was read to its end. */
  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'protected-vod-texts-'));
    const at = (name: string) => path.join(root, name);
    const cue = (second: number) =>
      `${second}\n00:${clock(second)},000 --> 00:${clock(second)},900\n${'x'.repeat(150)}\n\n`;
    const clock = (second: number) => new Date(second * 1000).toISOString().slice(14, 19);
    await writeFile(at('cues.srt'), Array.from({ length: 600 }, (_, index) => cue(index + 1)).join(''));
    const chapters = [0, 300].map(
      (start) => `[CHAPTER]\nTIMEBASE=1/1\nSTART=${start}\nEND=${start + 300}\ntitle=at ${start}\n`,
    );
    await writeFile(at('chapters.txt'), [';FFMETADATA1\n', ...chapters].join(''));
    await ffmpeg(
      ...[
        '-f',
        'lavfi',
        '-i',
        'anullsrc=sample_rate=8000:channel_layout=mono',
        '-i',
        at('cues.srt'),
        '-i',
        at('cues.srt'),
      ],
      ...['-i', at('chapters.txt'), '-map', '0', '-map', '1', '-map', '2', '-map_chapters', '3', '-t', '600'],
      ...['-c:a', 'pcm_s16le', '-c:s', 'srt', '-metadata:s:s:0', 'language=deu', '-disposition:s:0', '0'],
      ...[
        '-metadata:s:s:1',
        'language=eng',
        '-disposition:s:1',
        'default+forced+hearing_impaired',
        '-y',
        at('film.mkv'),
      ],
    );
    // As the kernel ends what writes more than it may.
    const report = `FFREPORT=file=${at('report')}-$$:level=48`;
    await writeFile(at('ffmpeg'), `#!/bin/sh\nulimit -f 128\n${report} exec ${FFMPEG} "$@"\n`, { mode: 0o755 });
    const confinement = { wrap: (command: readonly string[]) => [...command], layers: [], missing: [] };
    run = {
      film: await sniffFilm(at('film.mkv')),
      tools: createToolbox({ ffmpeg: at('ffmpeg'), confinement, root, memoryBytes: 1024 ** 3, maxSeconds: 60 }),
      scratch: { work: root } as never,
      signal: new AbortController().signal,
    };
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  async function expectToHaveReadLittle(runs: number): Promise<void> {
    const reports = (await readdir(root)).filter((name) => name.startsWith('report-'));
    expect(reports).toHaveLength(runs);
    for (const name of reports) {
      const [, bytes] = /Statistics: (\d+) bytes read/.exec(await readFile(path.join(root, name), 'utf8')) ?? [];
      expect(Number(bytes)).toBeLessThan(1e6);
      await rm(path.join(root, name));
    }
  }

  it('are known with all chapters, without the film being read to its end', async () => {
    const { subtitles, chapters } = await probeTexts(run);
    expect(subtitles).toEqual([
      { index: 0, isText: true, language: 'deu', title: '' },
      { index: 1, isText: true, language: 'eng', title: '' },
    ]);
    expect(chapters).toEqual([
      { start: 0, end: 300, title: 'at 0' },
      { start: 300, end: 600, title: 'at 300' },
    ]);
    await expectToHaveReadLittle(2);
  });

  it('have their flags, however many there are', async () => {
    const { subtitles } = await probeTexts(run);
    const flags = await probeFlags(run, new Map(subtitles.map((one) => [`e${one.index}`, one])));
    expect([...flags]).toEqual([
      ['e0', NO_FLAGS],
      ['e1', { isDefault: true, isForced: true, isForHearingImpaired: true }],
    ]);
    await expectToHaveReadLittle(3);
  });
});

describe('what a worker reports of texts', () => {
  const file = { sizeBytes: 1, sha256: '0'.repeat(64) };
  const text = { kind: 'subtitles' as const, language: 'de', label: 'x', default: false };

  it('is any of those that a film can have, each with what is known of it; of pictures nothing of that', () => {
    const e1 = { ...file, name: 'text-e1.vtt', text };
    expect(areOutputsOf('texts', [])).toBe(true);
    expect(areOutputsOf('texts', [e1, { ...e1, name: 'text-chapters.vtt' }])).toBe(true);
    expect(areOutputsOf('texts', [e1, e1])).toBe(false);
    expect(areOutputsOf('texts', [{ ...file, name: 'text-e1.vtt' }])).toBe(false);
    // That of an editor is none of a worker's.
    expect(areOutputsOf('texts', [{ ...e1, name: 'text-0a1b2c3d.vtt' }])).toBe(false);
    expect(areOutputsOf('texts', [{ ...e1, name: 'poster.jpg' }])).toBe(false);
    expect(areOutputsOf('poster', [])).toBe(false);
    expect(areOutputsOf('poster', [{ ...file, name: 'poster.jpg', text }])).toBe(false);
    expect(areOutputsOf('poster', [{ ...file, name: 'poster.jpg' }])).toBe(true);
    expect(areOutputsOf('unknown', [])).toBe(false);
  });
});

describe('a waveform', () => {
  it('has some 1500 pairs, fewer where the sound is short', () => {
    expect(Math.ceil((7200 * 44_100) / samplesPerPair(7200))).toBe(1500);
    expect(samplesPerPair(0)).toBe(441);
  });

  it('is the lowest and highest sample of each pair in eight bits, whatever ffmpeg printed', () => {
    const frame = (low: string, high: string) =>
      `frame:0 pts:0 pts_time:0\nlavfi.astats.Overall.Min_level=${low}\nlavfi.astats.Overall.Max_level=${high}\n`;
    const data = parsePeaks(frame('-0.5', '0.25') + frame('-7', '7') + frame('nan', '-inf'));
    expect(data).toEqual([-64, 32, -128, 127, 0, 0]);
    expect(JSON.parse(formatWaveform(data, 441))).toEqual({
      ...{ version: 2, channels: 1, sample_rate: 44_100, samples_per_pixel: 441, bits: 8, length: 3, data },
    });
    expect(parsePeaks('')).toEqual([]);
  });
});

describe('what a tool wrote', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'protected-vod-tool-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('is read only where it is a plain file of a bounded size', async () => {
    const at = (name: string) => path.join(directory, name);
    writeFileSync(at('text'), 'text');
    symlinkSync('/etc/passwd', at('link'));
    expect(await readToolFile(at('text'), 4)).toBe('text');
    expect(await readToolFile(at('text'), 3)).toBeNull();
    expect(await readToolFile(at('none'), 4)).toBeNull();
    await expect(readToolFile(at('link'), 1e6)).rejects.toMatchObject({ reason: 'output-invalid' });
    await expect(readToolFile(directory, 1e6)).rejects.toMatchObject({ reason: 'output-invalid' });
  });
});
