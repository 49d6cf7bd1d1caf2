import path from 'node:path';
import { IngestError } from '../ingest-error';
import type { Making } from '../kinds/maker';
import { ALL_DECODERS, inputOptions } from './film-input';
import { readToolLines } from './tool-file';

/** Demuxers of what receivers, DVDs and cameras write piece by piece: its times may begin anew at any place. */
const MAY_LEAP: ReadonlySet<string> = new Set(['mpeg', 'mpegts']);

const LIST = 'times.txt';
/** All of the film is read once. A line is some 70 bytes: ten hours of 50 pictures a second. */
const SECONDS = 1800;
const MAX_LIST_BYTES = 128 * 1024 * 1024;
/** From there on ffmpeg takes a gap for none (`dts_delta_threshold`). */
const GAP_SECONDS = 10;
/** ffmpeg lets no time go back in what it writes: it stands still there. */
const MAX_STANDING = 3;

export const mayLeap = (demuxer: string): boolean => MAY_LEAP.has(demuxer);

/** Whether these lines of `framecrc` tell of a leap. */
async function hasLeap(lines: AsyncIterable<string>): Promise<boolean> {
  let gap = Number.POSITIVE_INFINITY;
  let last: number | null = null;
  let standing = 0;
  for await (const line of lines) {
    const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)$/.exec(line) ?? [];
    if (numerator !== undefined) gap = (GAP_SECONDS * Number(denominator)) / Number(numerator);
    const [, decoded] = /^0, *(-?\d+),/.exec(line) ?? [];
    if (decoded === undefined) continue;
    const step: number = last === null ? 1 : Number(decoded) - last;
    last = Number(decoded);
    standing = step > 0 ? 0 : standing + 1;
    if (step < 0 || step >= gap || standing >= MAX_STANDING) return true;
  }
  return false;
}

/**
 * Whether times leap within a film, as they do where files were joined. Reads it to its end where its container allows of
 * that; a list of times that is too long is taken for a leap. Throws as `Toolbox.ffmpeg` does otherwise.
 */
export async function timesLeap({ film, tools, scratch, signal }: Making, hasPicture: boolean): Promise<boolean> {
  if (!mayLeap(film.demuxer)) return false;
  const args = [
    ...['-copyts', ...inputOptions(film, ALL_DECODERS), '-map', hasPicture ? '0:V:0' : '0:a:0', '-c', 'copy'],
    ...['-f', 'framecrc', `file:${LIST}`],
  ];
  const run = { args, cwd: scratch.work, seconds: SECONDS, fileBytes: MAX_LIST_BYTES, signal };
  const isWhole = await tools.ffmpeg(run).then(
    () => true,
    (error: unknown) => {
      if (error instanceof IngestError && error.reason === 'tool-failed') return false;
      throw error;
    },
  );
  return !isWhole || hasLeap(readToolLines(path.join(scratch.work, LIST), MAX_LIST_BYTES));
}
