import path from 'node:path';
import { EncodedPacketSink } from 'mediabunny';
import { maxPictureBits, type RungOrder } from '../../../../server/contracts';
import type { Coding, PictureEncoder } from '../encoders/encoder';
import { checkMadePictures, listPicturesIn } from '../encoders/made-pictures';
import { IngestError } from '../ingest-error';
import type { Making } from '../kinds/maker';
import { ALL_DECODERS, inputOptions, mendingOptions, timeOptions } from '../tools/film-input';
import { openToolFilm } from '../tools/tool-file';
import type { Chunk } from './rung-plan';

/** Less than half of what lies between two pictures, more than any rounding. */
const MARGIN_SECONDS = 0.0004;
const BASE_SECONDS = 120;
/** A chunk of four times as many pixels as x264 can do while it is watched, on one slow processor. */
const SECONDS_PER_FILM_SECOND = 60;
const SLACK_BYTES = 16 * 1024 * 1024;
const MAX_CHUNK_BYTES = 16 * 1024 ** 3;

export interface PictureEncoding {
  making: Making;
  decoders: readonly string[];
  /** Of ffmpeg, for each picture. */
  filters: readonly string[];
  order: RungOrder;
  encoder: PictureEncoder;
  endSeconds: number;
}

/** How a chunk is made, apart from where the film lies. */
export function pictureRecipe(
  { making, filters, order, encoder }: Pick<PictureEncoding, 'making' | 'filters' | 'order' | 'encoder'>,
  { startSeconds, stopSeconds, keysSeconds }: Chunk,
) {
  return {
    ...{ filters, preset: order.preset, height: order.height, startSeconds, stopSeconds, keysSeconds },
    ...(encoder.hardware !== null && { encoder: encoder.name }),
    ...(making.film.hasMendedTimes && { times: 'mended' }),
  };
}

/** Times count from the chunk's start, in the film's own unit: none is rounded twice. */
function filtersFor({ startSeconds, stopSeconds }: Chunk, filters: readonly string[]): string {
  const stop = stopSeconds === null ? '' : `:end=${(stopSeconds - MARGIN_SECONDS).toFixed(6)}`;
  return [
    `trim=start=${(startSeconds - MARGIN_SECONDS).toFixed(6)}${stop}`,
    `setpts='round(PTS-${startSeconds.toFixed(9)}/TB)'`,
    ...filters,
  ].join(',');
}

function codingOf({ preset, height }: RungOrder, { startSeconds, keysSeconds }: Chunk): Coding {
  const keys = keysSeconds.map((seconds) => Math.max(0, seconds - startSeconds - MARGIN_SECONDS));
  return { preset, bits: maxPictureBits(height), keysSeconds: keys };
}

/** Of the pictures that hardware is given, beside what it makes of them. */
const listOf = (file: string): string => `${file}.txt`;

function argumentsFor(encoding: PictureEncoding, chunk: Chunk, name: string): string[] {
  const { making, decoders, order, encoder } = encoding;
  const { seekSeconds } = chunk;
  const looked = encoder.hardware === null ? [] : listPicturesIn(listOf(name));
  const filters = [filtersFor(chunk, encoding.filters), ...looked, ...encoder.handOver].join(',');
  return [
    // Times are not cut, and all is decoded: which pictures are wanted, the filter says.
    ...[...encoder.opening, ...timeOptions(making.film), '-noaccurate_seek', '-seek_timestamp', '1'],
    ...(seekSeconds === null ? [] : ['-ss', (seekSeconds + MARGIN_SECONDS).toFixed(6)]),
    ...inputOptions(making.film, making.film.hasMendedTimes ? ALL_DECODERS : decoders, making.maxPixels),
    ...['-map', '0:V:0', '-an', '-sn', '-dn', '-vf', filters, '-fps_mode', 'passthrough'],
    // -1: that of the film.
    ...['-enc_time_base', '-1', ...encoder.options(codingOf(order, chunk))],
    ...['-map_metadata', '-1', '-map_chapters', '-1'],
    ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-f', 'mp4', `file:${name}`],
    ...mendingOptions(making.film),
  ];
}

/** Whether the first picture of a chunk stands at its start, and needs no other. */
async function beginsAtStart(file: string): Promise<boolean> {
  const film = await openToolFilm(file);
  try {
    const track = await film.input.getPrimaryVideoTrack();
    const first = track && (await new EncodedPacketSink(track).getFirstPacket({ metadataOnly: true }));
    return first?.type === 'key' && Math.abs(first.timestamp) < 2 * MARGIN_SECONDS;
  } finally {
    await film.retire();
  }
}

/** Encodes a chunk to `file`. Throws as `runTool` does, and `output-invalid` for what no player could use. */
export async function encodeChunk(encoding: PictureEncoding, chunk: Chunk, file: string): Promise<void> {
  const { tools, scratch, signal } = encoding.making;
  const filmSeconds = (chunk.stopSeconds ?? Math.max(encoding.endSeconds, chunk.startSeconds)) - chunk.startSeconds;
  const seconds = BASE_SECONDS + filmSeconds * SECONDS_PER_FILM_SECOND;
  const expected = SLACK_BYTES + (maxPictureBits(encoding.order.height) / 8) * (filmSeconds + 60) * 4;
  const fileBytes = Math.ceil(Math.min(MAX_CHUNK_BYTES, expected));
  const { encoder, order } = encoding;
  const { hardware } = encoder;
  const run = async (one: Chunk) => {
    const args = argumentsFor(encoding, one, path.basename(file));
    await tools.ffmpeg({ args, cwd: scratch.work, seconds, fileBytes, signal, hardware });
    if (hardware !== null) await checkMadePictures(file, listOf(file), codingOf(order, chunk));
    return !chunk.beginsWithPicture || (await beginsAtStart(file));
  };
  if (await run(chunk)) return;
  // Some demuxers do not find the place: then from the beginning. What is missing after that cannot be decoded.
  if (chunk.seekSeconds !== null && (await run({ ...chunk, seekSeconds: null }))) return;
  throw new IngestError('output-invalid', `a chunk of ${filmSeconds} seconds does not begin with its first picture`);
}
