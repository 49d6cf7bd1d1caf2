import { IngestError } from '../ingest-error';
import { type FilmInput, inputOptions } from './film-input';

/** Enough packets to know the first one to be shown, whatever order they are coded in. */
const PACKETS = 40;

export interface ProbedStream {
  kind: 'video' | 'audio';
  /** As ffmpeg calls it. */
  codec: string;
  width: number;
  height: number;
  /** Seconds at which its first packet is shown, in the film's own time. */
  startSeconds: number;
}

/** The moving picture first, where there is one; a cover is none. */
export type FilmProbe = readonly ProbedStream[];

/**
 * Copies the first packets without decoding them, and has their times and the parameters of their streams printed in the form
 * of `framecrc`. ffprobe would not do: it gives a film up that has one stream whose decoder is not allowed.
 */
export function probeArguments(input: FilmInput, decoders: readonly string[]): string[] {
  return [
    ...['-copyts', ...inputOptions(input, decoders), '-map', '0:V:0?', '-map', '0:a?', '-c', 'copy'],
    ...['-frames:v', String(PACKETS), '-frames:a', String(PACKETS), '-f', 'framecrc', 'pipe:1'],
  ];
}

function headerOf(text: string, name: string): Map<number, string> {
  const lines = text.matchAll(new RegExp(`^#${name} (\\d+): (.+)$`, 'gm'));
  return new Map([...lines].map(([, index, value = '']) => [Number(index), value]));
}

/** By stream, in units of its time base. */
function earliestTimes(text: string): Map<number, number> {
  const times = new Map<number, number>();
  for (const [, stream, pts] of text.matchAll(/^(\d+), *-?\d+, *(-?\d+),/gm)) {
    times.set(Number(stream), Math.min(times.get(Number(stream)) ?? Number.POSITIVE_INFINITY, Number(pts)));
  }
  return times;
}

function secondsOf(units: number, timeBase: string): number {
  const [numerator = 0, denominator = 1] = timeBase.split('/').map(Number);
  return (units * numerator) / denominator;
}

/** Throws `IngestError` `tool-failed` for what is no answer of ffmpeg. */
export function parseProbe(text: string): FilmProbe {
  const [kinds, codecs, sizes, bases] = ['media_type', 'codec_id', 'dimensions', 'tb'].map((name) =>
    headerOf(text, name),
  );
  const times = earliestTimes(text);
  const streams: ProbedStream[] = [];
  for (const [index, kind] of kinds ?? []) {
    if (kind !== 'video' && kind !== 'audio') continue;
    const [width = 0, height = 0] = sizes?.get(index)?.split('x').map(Number) ?? [];
    const startSeconds = secondsOf(times.get(index) ?? 0, bases?.get(index) ?? '0/1');
    streams.push({ kind, codec: codecs?.get(index) ?? 'unknown', width, height, startSeconds });
  }
  if (streams.length === 0) throw new IngestError('tool-failed', 'ffmpeg found no stream');
  return streams;
}

export function pictureOf(probe: FilmProbe): ProbedStream | null {
  return probe.find(({ kind }) => kind === 'video') ?? null;
}

/**
 * Film time that is 0 for players, as the packager has it (`film-outline`): the first picture or sound; sound before the
 * picture's beginning, or before 0, is left out there.
 */
export function originOf(probe: FilmProbe): number {
  const picture = pictureOf(probe)?.startSeconds ?? Number.POSITIVE_INFINITY;
  const floor = Math.min(picture, 0);
  const sounds = probe.filter(({ kind }) => kind === 'audio');
  return Math.min(picture, ...sounds.map(({ startSeconds }) => Math.max(startSeconds, floor)));
}
