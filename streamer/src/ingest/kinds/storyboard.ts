import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MAX_PICTURE_BYTES } from '../../../../server/contracts';
import { IngestError } from '../ingest-error';
import { inputOptions } from '../tools/film-input';
import { originOf, pictureOf } from '../tools/film-probe';
import { fitInto, JPEG_OUTPUT } from './jpeg';
import { type DecodablePicture, type Maker, type Making, openPicture } from './maker';
import { formatStoryboard, type Tile } from './storyboard-index';

const SPRITE = 'storyboard.jpg';
const INDEX = 'storyboard.vtt';
const TILE_PIXELS = 160;
const COLUMNS = 10;
/** One picture of 1600 × 900, at most. */
const MAX_TILES = 100;
const MIN_INTERVAL_SECONDS = 5;
/** Key pictures alone are decoded; a film of many hours is still read to its end. */
const BASE_SECONDS = 120;
const SECONDS_PER_FILM_SECOND = 0.5;
const MICROSECONDS = 1e6;

interface Grid {
  intervalSeconds: number;
  columns: number;
  rows: number;
}

function gridFor(durationSeconds: number): Grid {
  const intervalSeconds = Math.max(MIN_INTERVAL_SECONDS, durationSeconds / (MAX_TILES - 1));
  const tiles = Math.min(MAX_TILES, Math.max(1, Math.ceil(durationSeconds / intervalSeconds)));
  return { intervalSeconds, columns: Math.min(COLUMNS, tiles), rows: Math.ceil(tiles / COLUMNS) };
}

/**
 * The first key picture of each interval, and on standard output when each of them is shown, to the microsecond. Metadata
 * is deleted first, so that nothing of the film's own can stand there.
 */
function filtersFor({ intervalSeconds, columns, rows }: Grid): string {
  const interval = intervalSeconds.toFixed(6);
  return [
    `select='isnan(prev_selected_t)+gt(floor(t/${interval}),floor(prev_selected_t/${interval}))'`,
    `settb=1/${MICROSECONDS}`,
    'metadata=mode=delete',
    'metadata=mode=add:key=tile:value=1',
    'metadata=mode=print:file=-',
    ...fitInto(TILE_PIXELS),
    `tile=${columns}x${rows}`,
  ].join(',');
}

function timesFrom(printed: string): number[] {
  return [...printed.matchAll(/^frame:\d+ +pts:(-?\d+) /gm)].map(([, pts]) => Number(pts) / MICROSECONDS);
}

async function drawSprite(making: Making, { decoders }: DecodablePicture, grid: Grid): Promise<number[]> {
  const { film, durationSeconds, scratch, tools, maxPixels, signal } = making;
  const args = [
    // The film's own times, not counted from its first packet.
    ...['-copyts', '-skip_frame', 'nokey', ...inputOptions(film, decoders, maxPixels)],
    ...['-map', '0:V:0', '-an', '-sn', '-dn', '-vf', filtersFor(grid), ...JPEG_OUTPUT, `file:${SPRITE}`],
  ];
  const seconds = BASE_SECONDS + durationSeconds * SECONDS_PER_FILM_SECOND;
  return timesFrom(await tools.ffmpeg({ args, cwd: scratch.work, seconds, fileBytes: MAX_PICTURE_BYTES, signal }));
}

async function tileOf({ scratch, tools, signal }: Making, { columns, rows }: Grid): Promise<Tile> {
  const sprite = { path: path.join(scratch.work, SPRITE), demuxer: 'mjpeg' };
  const drawn = pictureOf(await tools.probe(sprite, ['mjpeg'], { cwd: scratch.work, signal }));
  const [width, height] = [(drawn?.width ?? 0) / columns, (drawn?.height ?? 0) / rows];
  if (Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) return { width, height };
  throw new IngestError('output-invalid', 'the sprite is not of the size that it should be');
}

/** A sprite of small stills, and WebVTT that says which part of it is shown when. */
export const makeStoryboard: Maker = async (making) => {
  const { scratch, durationSeconds } = making;
  const picture = await openPicture(making);
  const grid = gridFor(durationSeconds);
  const origin = originOf(picture.probe);
  const printed = await drawSprite(making, picture, grid);
  // What did not fit into the grid is not in the sprite.
  const times = printed.slice(0, grid.columns * grid.rows).map((time) => Math.max(0, time - origin));
  if (times.length === 0) throw new IngestError('tool-failed', 'no picture could be decoded');
  const tile = await tileOf(making, grid);
  const index = formatStoryboard({ times, durationSeconds, tile, columns: grid.columns, sprite: SPRITE });
  await writeFile(path.join(scratch.work, INDEX), index);
  return new Map([SPRITE, INDEX].map((name) => [name, path.join(scratch.work, name)]));
};
