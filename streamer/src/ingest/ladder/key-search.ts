import { IngestError } from '../ingest-error';
import type { Making } from '../kinds/maker';
import { decodersOf, inputOptions } from '../tools/film-input';
import { timeShown } from '../tools/film-probe';

const SECONDS = 60;
const FILE_BYTES = 1024 * 1024;

/** Film time of the packet with which ffmpeg begins when it is told to begin at `seconds`; null: it finds none. */
export async function lastKeyBefore(making: Making, codec: string, seconds: number): Promise<number | null> {
  const { film, tools, scratch, signal } = making;
  const args = [
    ...['-copyts', '-noaccurate_seek', '-seek_timestamp', '1', '-ss', seconds.toFixed(6)],
    ...inputOptions(film, decodersOf(codec) ?? []),
    ...['-map', '0:V:0', '-an', '-sn', '-dn', '-c', 'copy', '-frames:v', '1', '-f', 'framecrc', 'pipe:1'],
  ];
  const printed = await tools
    .ffmpeg({ args, cwd: scratch.work, seconds: SECONDS, fileBytes: FILE_BYTES, signal })
    .catch((error: unknown) => {
      if (error instanceof IngestError && error.reason === 'tool-failed') return '';
      throw error;
    });
  const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)$/m.exec(printed) ?? [];
  const [, decodedAt, shownAt] = /^0, *(-?\d+), *(-?\d+),/m.exec(printed) ?? [];
  if (shownAt === undefined || numerator === undefined || denominator === undefined) return null;
  const units = timeShown(Number(shownAt), Number(decodedAt));
  return (units * Number(numerator)) / Number(denominator);
}
