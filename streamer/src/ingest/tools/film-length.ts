import type { Making } from '../kinds/maker';
import { ALL_DECODERS, inputOptions } from './film-input';

/** All of the film is read once, as fast as it comes off the disk. */
const SECONDS = 1800;
const FILE_BYTES = 1024 * 1024;

export interface FilmLength {
  seconds: number;
  /** 0: there is no picture. */
  pictures: number;
}

/** What ffmpeg says last of its progress. */
function lastOf(printed: string, name: string): number {
  const said = [...printed.matchAll(new RegExp(`^${name}=(-?\\d+)$`, 'gm'))].at(-1)?.[1];
  return Math.max(0, Number(said ?? 0));
}

/** Reads a film to its end, without decoding any of it: what its header says may be wrong, or not be there. */
export async function measureLength({ film, tools, scratch, signal }: Making): Promise<FilmLength> {
  const args = [
    ...['-progress', 'pipe:1', ...inputOptions(film, ALL_DECODERS), '-map', '0:V:0?', '-map', '0:a?', '-sn', '-dn'],
    ...['-c', 'copy', '-f', 'null', '-'],
  ];
  const printed = await tools.ffmpeg({ args, cwd: scratch.work, seconds: SECONDS, fileBytes: FILE_BYTES, signal });
  return { seconds: lastOf(printed, 'out_time_us') / 1e6, pictures: lastOf(printed, 'frame') };
}
