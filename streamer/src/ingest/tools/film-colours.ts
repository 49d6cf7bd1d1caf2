import path from 'node:path';
import { IngestError } from '../ingest-error';
import type { Making } from '../kinds/maker';
import { inputOptions } from './film-input';
import { openToolFilm } from './tool-file';

const SECONDS = 60;
const FILE_BYTES = 64 * 1024 * 1024;
/** Matroska keeps colours of pictures in any codec, and says nothing of those that are not known. */
const COPY = 'colours.mkv';

/** As WebCodecs calls them; absent: the film does not say. */
export interface FilmColours {
  primaries?: string;
  transfer?: string;
  matrix?: string;
}

async function copiedColours(file: string): Promise<FilmColours> {
  const film = await openToolFilm(file);
  try {
    const { primaries, transfer, matrix } = (await (await film.input.getPrimaryVideoTrack())?.getColorSpace()) ?? {};
    return { ...(primaries && { primaries }), ...(transfer && { transfer }), ...(matrix && { matrix }) };
  } catch {
    return {};
  } finally {
    await film.retire();
  }
}

/** What a film says of its colours, wherever it does: ffmpeg looks into the pictures too. Notes where it cannot be asked. */
export async function coloursOf(making: Making, decoders: readonly string[]): Promise<FilmColours> {
  const { film, tools, scratch, signal } = making;
  const args = [
    // AVI does not say when pictures are shown, and Matroska takes none without.
    ...['-fflags', '+genpts', ...inputOptions(film, decoders), '-map', '0:V:0', '-an', '-sn', '-dn'],
    ...['-c', 'copy', '-frames:v', '1'],
    ...['-map_metadata', '-1', '-map_chapters', '-1', '-f', 'matroska', `file:${COPY}`],
  ];
  try {
    await tools.ffmpeg({ args, cwd: scratch.work, seconds: SECONDS, fileBytes: FILE_BYTES, signal });
  } catch (error) {
    if (!(error instanceof IngestError) || error.reason !== 'tool-failed') throw error;
    making.noted('colours-unknown');
    return {};
  }
  return copiedColours(path.join(scratch.work, COPY));
}
