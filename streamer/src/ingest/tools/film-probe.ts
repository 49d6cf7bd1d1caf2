import { IngestError } from '../ingest-error';
import { type FilmInput, inputOptions, timeOptions } from './film-input';

/** Enough packets to know the first one to be shown, whatever order they are coded in. */
const PACKETS = 40;

export interface ProbedStream {
  kind: 'video' | 'audio';
  /** As ffmpeg calls it. */
  codec: string;
  width: number;
  height: number;
  /** How wide one of its pixels is shown, of its height. */
  pixelAspect: number;
  /** Of its first packets; 0: there is only one, or none. Endless where all of them stand at one time. */
  packetsPerSecond: number;
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
    ...[...timeOptions(input), ...inputOptions(input, decoders), '-map', '0:V:0?', '-map', '0:a?', '-c', 'copy'],
    ...['-frames:v', String(PACKETS), '-frames:a', String(PACKETS), '-f', 'framecrc', 'pipe:1'],
  ];
}

function headerOf(text: string, name: string): Map<number, string> {
  const lines = text.matchAll(new RegExp(`^#${name} (\\d+): (.+)$`, 'gm'));
  return new Map([...lines].map(([, index, value = '']) => [Number(index), value]));
}

/** Of the packets of a stream, in units of its time base. */
interface PacketTimes {
  count: number;
  firstShown: number;
  firstDecoded: number;
  lastDecoded: number;
}

const UNKNOWN_TIME = -(2 ** 62);

/** AVI does not say of all packets when they are shown: then it is when they are decoded. */
export function timeShown(shown: number, decoded: number): number {
  return shown < UNKNOWN_TIME ? decoded : shown;
}

function timesByStream(text: string): Map<number, PacketTimes> {
  const times = new Map<number, PacketTimes>();
  for (const [, stream, decodedAt, shownAt] of text.matchAll(/^(\d+), *(-?\d+), *(-?\d+),/gm)) {
    const decoded = Number(decodedAt);
    const shown = timeShown(Number(shownAt), decoded);
    const known = times.get(Number(stream)) ?? { count: 0, firstShown: shown, firstDecoded: decoded, lastDecoded: 0 };
    const firstShown = Math.min(known.firstShown, shown);
    times.set(Number(stream), { ...known, count: known.count + 1, firstShown, lastDecoded: decoded });
  }
  return times;
}

function rateOf({ count, firstDecoded, lastDecoded }: PacketTimes, timeBase: string): number {
  return count < 2 ? 0 : (count - 1) / secondsOf(Math.max(0, lastDecoded - firstDecoded), timeBase);
}

function secondsOf(units: number, timeBase: string): number {
  const [numerator = 0, denominator = 1] = timeBase.split('/').map(Number);
  return (units * numerator) / denominator;
}

/** Throws `IngestError` `tool-failed` for what is no answer of ffmpeg. */
export function parseProbe(text: string): FilmProbe {
  const [kinds, codecs, sizes, aspects, bases] = ['media_type', 'codec_id', 'dimensions', 'sar', 'tb'].map((name) =>
    headerOf(text, name),
  );
  const times = timesByStream(text);
  const streams: ProbedStream[] = [];
  for (const [index, kind] of kinds ?? []) {
    if (kind !== 'video' && kind !== 'audio') continue;
    const [width = 0, height = 0] = sizes?.get(index)?.split('x').map(Number) ?? [];
    const [base, found] = [bases?.get(index) ?? '0/1', times.get(index)];
    const pixelAspect = secondsOf(1, aspects?.get(index) ?? '1/1') || 1;
    const packetsPerSecond = found === undefined ? 0 : rateOf(found, base);
    const startSeconds = secondsOf(found?.firstShown ?? 0, base);
    const codec = codecs?.get(index) ?? 'unknown';
    streams.push({ kind, codec, width, height, pixelAspect, packetsPerSecond, startSeconds });
  }
  if (streams.length === 0) throw new IngestError('tool-failed', 'ffmpeg found no stream');
  return streams;
}

export function pictureOf(probe: FilmProbe): ProbedStream | null {
  return probe.find(({ kind }) => kind === 'video') ?? null;
}

/** Its size with square pixels, as it is shown. */
export function squared({ width, height, pixelAspect }: ProbedStream): { width: number; height: number } {
  return { width: Math.round(width * pixelAspect), height };
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
