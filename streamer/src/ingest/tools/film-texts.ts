import path from 'node:path';
import type { IngestReason } from '../../../../server/contracts';
import { IngestError } from '../ingest-error';
import type { Making } from '../kinds/maker';
import { ALL_DECODERS, type FilmInput, inputOptions } from './film-input';
import { type MetadataSection, parseMetadata } from './film-metadata';
import { readToolBytes, readToolFile } from './tool-file';
import { NO_FLAGS, parseTrackFlags, type TrackFlags } from './track-flags';

/** Decoders by ffmpeg's name of the codec; what is not here are pictures, or nothing that WebVTT could say. */
const TEXT_DECODERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['mov_text', ['mov_text']],
  ['subrip', ['srt', 'subrip']],
  ['text', ['text']],
  ['ass', ['ssa', 'ass']],
  ['webvtt', ['webvtt']],
]);
const ALL_TEXT_DECODERS = [...TEXT_DECODERS.values()].flat();

const CHAPTERS = 'chapters.txt';
const METADATA = 'subtitles.txt';
const CODECS = 'codecs.txt';
const MAX_METADATA_BYTES = 4 * 1024 * 1024;
const MAX_FLAGS_BYTES = 64 * 1024;
const PROBE_SECONDS = 60;
const MAX_CHAPTERS = 1000;
const NO_ANSWER: ReadonlySet<IngestReason> = new Set(['tool-failed', 'tool-timeout']);

export interface EmbeddedSubtitles {
  /** Among all subtitles of the film, from 0. */
  index: number;
  isText: boolean;
  /** As the film says it: mostly ISO 639-2. */
  language: string;
  title: string;
}

export interface EmbeddedChapter {
  /** Seconds in the film's own time. */
  start: number;
  end: number;
  title: string;
}

export interface FilmTexts {
  subtitles: EmbeddedSubtitles[];
  chapters: EmbeddedChapter[];
}

type Run = Pick<Making, 'film' | 'tools' | 'scratch' | 'signal'>;

function chapterOf({ values }: MetadataSection): EmbeddedChapter[] {
  const [numerator = Number.NaN, denominator = Number.NaN] = (values.get('timebase') ?? '').split('/').map(Number);
  const seconds = (name: string) => (Number(values.get(name) ?? Number.NaN) * numerator) / denominator;
  const [start, end, title] = [seconds('start'), seconds('end'), values.get('title') ?? ''];
  return Number.isFinite(start) && Number.isFinite(end) && end > start ? [{ start, end, title }] : [];
}

/** What is said of the film as a whole may be as large as its cover. */
const OF_ITS_PARTS = ['-map_metadata:g', '-1', '-f', 'ffmetadata'];
/** Without any stream, so that nothing of the film is read for them: a limit of time would leave out those beyond it. */
const CHAPTERS_ALONE = ['-vn', '-an', '-sn', '-dn', ...OF_ITS_PARTS, `file:${CHAPTERS}`];
const SUBTITLES = ['-map', '0:s?', '-c', 'copy', '-t', '0', '-map_chapters', '-1'];
const SUBTITLES_METADATA = [...SUBTITLES, ...OF_ITS_PARTS, `file:${METADATA}`];
/** Its header says their codecs. */
const SUBTITLES_CODECS = [...SUBTITLES, '-f', 'framecrc', `file:${CODECS}`];

/** What texts are in a film, by what stands at its beginning. Nothing is decoded. Throws as `Toolbox.ffmpeg` does. */
export async function probeTexts({ film, tools, scratch: { work }, signal }: Run): Promise<FilmTexts> {
  const bounds = { cwd: work, seconds: PROBE_SECONDS, fileBytes: MAX_METADATA_BYTES, signal };
  const write = (...args: string[]) =>
    tools.ffmpeg({ ...bounds, args: [...inputOptions(film, ALL_DECODERS), ...args] });
  const read = async (name: string) => (await readToolFile(path.join(work, name), MAX_METADATA_BYTES)) ?? '';
  await write(...CHAPTERS_ALONE, ...SUBTITLES_METADATA);
  const streams = parseMetadata(await read(METADATA)).filter(({ kind }) => kind === 'stream');
  const chapters = parseMetadata(await read(CHAPTERS))
    .filter(({ kind }) => kind === 'chapter')
    .slice(0, MAX_CHAPTERS);
  // Without any, ffmpeg would call that an error.
  if (streams.length > 0) await write(...SUBTITLES_CODECS);
  const lines = (streams.length > 0 ? await read(CODECS) : '').matchAll(/^#codec_id (\d+): (\S+)$/gm);
  const codecs = new Map([...lines].map(([, at, codec = '']) => [Number(at), codec]));
  return {
    subtitles: streams.map(({ values }, index) => {
      const isText = TEXT_DECODERS.has(codecs.get(index) ?? '');
      return { index, isText, language: values.get('language') ?? '', title: values.get('title') ?? '' };
    }),
    chapters: chapters.flatMap(chapterOf),
  };
}

const flagsNameOf = (id: string): string => `flags-${id}.mkv`;

/**
 * Arguments that write the header of a Matroska file for each of these subtitles: the one format in which ffmpeg tells what it
 * takes them for. One file each, since among several ffmpeg would make one the default that the film does not call so.
 */
function flagsArguments(film: FilmInput, wanted: ReadonlyMap<string, EmbeddedSubtitles>): string[] {
  return [
    ...inputOptions(film, ALL_TEXT_DECODERS),
    ...[...wanted].flatMap(([id, { index }]) => [
      ...['-map', `0:s:${index}`, '-map_metadata', '-1', '-map_chapters', '-1', '-c:s', 'srt'],
      // Of the output: a limit of the input does not hold for subtitles.
      ...['-t', '0', '-default_mode', 'passthrough', '-f', 'matroska', `file:${flagsNameOf(id)}`],
    ]),
  ];
}

/** What the film says of these subtitles, by their ids. Where ffmpeg cannot tell, they are nothing but subtitles. */
export async function probeFlags(
  { film, tools, scratch: { work }, signal }: Run,
  wanted: ReadonlyMap<string, EmbeddedSubtitles>,
): Promise<Map<string, TrackFlags>> {
  const bounds = { cwd: work, seconds: PROBE_SECONDS, fileBytes: MAX_FLAGS_BYTES, signal };
  await tools.ffmpeg({ ...bounds, args: flagsArguments(film, wanted) }).catch((error: unknown) => {
    if (!(error instanceof IngestError) || !NO_ANSWER.has(error.reason)) throw error;
  });
  const flags = new Map<string, TrackFlags>();
  for (const id of wanted.keys()) {
    const header = await readToolBytes(path.join(work, flagsNameOf(id)), MAX_FLAGS_BYTES);
    flags.set(id, header === null ? NO_FLAGS : parseTrackFlags(header));
  }
  return flags;
}

/** Arguments that write these subtitles as WebVTT to files of these names, in the film's own time, in one run. */
export function extractArguments(film: FilmInput, wanted: ReadonlyMap<string, EmbeddedSubtitles>): string[] {
  return [
    ...['-copyts', ...inputOptions(film, ALL_TEXT_DECODERS)],
    ...[...wanted].flatMap(([name, { index }]) => [
      ...['-map', `0:s:${index}`, '-map_metadata', '-1', '-map_chapters', '-1'],
      ...['-c:s', 'webvtt', '-f', 'webvtt', `file:${name}`],
    ]),
  ];
}
