import { open } from 'node:fs/promises';
import { fileTypeFromBuffer } from 'file-type';
import { IngestError } from '../ingest-error';
import { DECODERS_ALLOWED, DEMUXERS_ALLOWED, PIXELS_ALLOWED, PROTOCOLS_ALLOWED } from './ffmpeg-words';

/** As many bytes as `file-type` asks for. */
const SNIFF_BYTES = 4100;

/**
 * Demuxers by what the first bytes say, never by a name. Only containers that hold their media themselves: none that names
 * other files to be read (HLS, DASH, concat, IMF), and none that opens others within itself (AVI with subtitles).
 */
const DEMUXERS: ReadonlyMap<string, string> = new Map([
  ...['video/mp4', 'video/x-m4v', 'audio/mp4', 'audio/x-m4a', 'video/quicktime', 'video/3gpp', 'video/3gpp2'].map(
    (mime): [string, string] => [mime, 'mov'],
  ),
  ...['video/matroska', 'video/x-matroska', 'audio/x-matroska', 'video/webm', 'audio/webm'].map(
    (mime): [string, string] => [mime, 'matroska'],
  ),
  ['video/mp2t', 'mpegts'],
]);

/** Decoders by ffmpeg's name of the codec: what is not here is never decoded (T22). */
const DECODERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['h264', ['h264']],
  ['hevc', ['hevc']],
  ['vp8', ['vp8', 'libvpx']],
  ['vp9', ['vp9', 'libvpx-vp9']],
  ['av1', ['libdav1d', 'libaom-av1', 'av1']],
]);

/** The same for sound. */
const SOUND_DECODERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['aac', ['aac']],
  ['mp3', ['mp3float', 'mp3']],
  ['mp2', ['mp2float', 'mp2']],
  ['opus', ['libopus', 'opus']],
  ['vorbis', ['vorbis', 'libvorbis']],
  ['flac', ['flac']],
  ['alac', ['alac']],
  ['ac3', ['ac3']],
  ['eac3', ['eac3']],
  ...['pcm_s16le', 'pcm_s16be', 'pcm_s24le', 'pcm_s24be', 'pcm_s32le', 'pcm_f32le'].map(
    (codec): [string, readonly string[]] => [codec, [codec]],
  ),
]);

export interface FilmInput {
  /** Absolute path below the storage root. */
  path: string;
  demuxer: string;
}

/** Looks at the first bytes of a film. Throws `IngestError` `source-refused` for what ffmpeg is not to be given. */
export async function sniffFilm(path: string): Promise<FilmInput> {
  const handle = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    const mime = (await fileTypeFromBuffer(buffer.subarray(0, bytesRead)))?.mime;
    const demuxer = DEMUXERS.get(mime ?? '');
    if (demuxer !== undefined) return { path, demuxer };
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
export function inputOptions({ path, demuxer }: FilmInput, decoders: readonly string[], maxPixels?: number): string[] {
  return [
    ...(maxPixels === undefined ? [] : [PIXELS_ALLOWED, String(maxPixels)]),
    ...[PROTOCOLS_ALLOWED, 'file,pipe', DEMUXERS_ALLOWED, demuxer, DECODERS_ALLOWED, decoders.join(',')],
    ...['-f', demuxer, '-i', `file:${path}`],
  ];
}

/** All that may be decoded at all, while it is not known yet what a film has. */
export const ALL_DECODERS: readonly string[] = [...DECODERS.values(), ...SOUND_DECODERS.values()].flat();
