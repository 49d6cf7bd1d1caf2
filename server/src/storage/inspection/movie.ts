import { BOX_HEADER_BYTES, readBox } from './boxes';
import type { FilmFile } from './film-file';
import { TooComplex } from './limits';
import { type Movie, readMovieTables } from './movie-tables';

/** Before the tables there are a few boxes at most; of a file that goes on like this nobody needs the rest. */
const MAX_BOXES = 10_000;

/** Reads the tables of an ISO base media file; null: it has none. Throws where they are broken off, `TooComplex` where they are too large. */
export async function readMovie(file: FilmFile): Promise<Movie | null> {
  let at = 0;
  for (let count = 0; at < file.sizeBytes; count += 1) {
    if (count >= MAX_BOXES) throw new TooComplex('There are too many boxes before the tables.');
    const header = await file.read(at, Math.min(at + BOX_HEADER_BYTES, file.sizeBytes));
    const box = readBox(header, at, file.sizeBytes);
    if (box === null) return null;
    // A demuxer takes the first one; the others are never read.
    if (box.type === 'moov') return readMovieTables(await file.read(box.start, box.end));
    at = box.end;
  }
  return null;
}
