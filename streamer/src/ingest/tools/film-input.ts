import { open } from 'node:fs/promises';
import { fileTypeFromBuffer } from 'file-type';
import { IngestError } from '../ingest-error';
import { DECODERS_ALLOWED, DEMUXERS_ALLOWED, PIXELS_ALLOWED, PROTOCOLS_ALLOWED, STREAMS_ALLOWED } from './ffmpeg-words';
import { DECODERS, DEMUXERS, SOUND_DECODERS } from './formats';

/** As many bytes as `file-type` asks for. */
const SNIFF_BYTES = 4100;

export interface FilmInput {
  /** Absolute path below the storage root. */
  path: string;
  demuxer: string;
  /** Of a film that has more, nothing is read; absent: as many as ffmpeg takes. */
  maxStreams?: number;
  /** Times leap within it: they are taken as ffmpeg mends them, from the beginning on, and nothing can be looked up by them. */
  hasMendedTimes?: boolean;
}

/** Looks at the first bytes of a film. Throws `IngestError` `source-refused` for what ffmpeg is not to be given. */
export async function sniffFilm(path: string, maxStreams?: number): Promise<FilmInput> {
  const handle = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    const mime = (await fileTypeFromBuffer(buffer.subarray(0, bytesRead)))?.mime;
    const demuxer = DEMUXERS.get(mime?.split(';', 1)[0] ?? '');
    if (demuxer !== undefined) return { path, demuxer, ...(maxStreams !== undefined && { maxStreams }) };
    throw new IngestError('source-refused', `its content is ${mime ?? 'of no known type'}`);
  } finally {
    await handle.close();
  }
}

/** Null: pictures of this codec are not decoded here. */
export function decodersOf(codec: string): readonly string[] | null {
  return DECODERS.get(codec) ?? null;
}

/** Null: sound of this codec is not decoded here. */
export function soundDecodersOf(codec: string): readonly string[] | null {
  return SOUND_DECODERS.get(codec) ?? null;
}

/**
 * Input options of ffmpeg: demuxer forced, decoders and protocols by list. `file:` keeps a path from being read
 * as an address, whatever is in it. `maxPixels`: of any picture that is decoded, since their size may change within a film.
 */
export function inputOptions(
  { path, demuxer, maxStreams }: FilmInput,
  decoders: readonly string[],
  maxPixels?: number,
): string[] {
  return [
    ...(maxPixels === undefined ? [] : [PIXELS_ALLOWED, String(maxPixels)]),
    ...(maxStreams === undefined ? [] : [STREAMS_ALLOWED, String(maxStreams)]),
    ...[PROTOCOLS_ALLOWED, 'file,pipe', DEMUXERS_ALLOWED, demuxer, DECODERS_ALLOWED, decoders.join(',')],
    ...['-f', demuxer, '-i', `file:${path}`],
  ];
}

/** Options of ffmpeg for the times it works with: the film's own, unless those leap. */
export const timeOptions = ({ hasMendedTimes }: FilmInput): string[] => (hasMendedTimes ? [] : ['-copyts']);

/**
 * One more output, which is nothing: where times leap is judged by all pictures and sounds that are read, and the same has to
 * be found for each of them, or they part.
 */
export function mendingOptions({ hasMendedTimes }: FilmInput): string[] {
  return hasMendedTimes ? ['-map', '0:V:0?', '-map', '0:a?', '-c', 'copy', '-f', 'null', '-'] : [];
}

/** All that may be decoded at all, while it is not known yet what a film has. */
export const ALL_DECODERS: readonly string[] = [...DECODERS.values(), ...SOUND_DECODERS.values()].flat();
