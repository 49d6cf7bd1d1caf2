import { stat } from 'node:fs/promises';
import path from 'node:path';
import { MAX_PICTURE_BYTES } from '../../../../server/contracts';
import { mostTypicalOf } from '../tools/ffmpeg-words';
import { inputOptions } from '../tools/film-input';
import { fitInto, JPEG_OUTPUT } from './jpeg';
import { type DecodablePicture, type Maker, type Making, openPicture } from './maker';

const NAME = 'poster.jpg';
const BOX_PIXELS = 1280;
/** Two seconds, mostly: enough to pass a cut or a blink by. */
const PICTURES = 50;
/** Past the titles, but where a long film is still read from the disk's cache. */
const START_SHARE = 0.1;
const LATEST_START_SECONDS = 120;
const MAX_SECONDS = 120;

async function isMade(file: string): Promise<boolean> {
  return stat(file).then(
    ({ size }) => size > 0,
    () => false,
  );
}

/** From the last key picture before `from`: to decode up to a moment that nobody chose would only cost time. */
async function take(making: Making, { decoders }: DecodablePicture, from: number): Promise<boolean> {
  const { film, scratch, tools, maxPixels, signal } = making;
  const filters = [...fitInto(BOX_PIXELS), mostTypicalOf(PICTURES)].join(',');
  const args = [
    ...['-ss', from.toFixed(3), '-noaccurate_seek', ...inputOptions(film, decoders, maxPixels)],
    ...['-map', '0:V:0', '-an', '-sn', '-dn', '-vf', filters, ...JPEG_OUTPUT, `file:${NAME}`],
  ];
  await tools.ffmpeg({ args, cwd: scratch.work, seconds: MAX_SECONDS, fileBytes: MAX_PICTURE_BYTES, signal });
  return isMade(path.join(scratch.work, NAME));
}

/** A still of the film: the most typical of some pictures near its beginning. */
export const makePoster: Maker = async (making) => {
  const picture = await openPicture(making);
  const from = Math.min(making.durationSeconds * START_SHARE, LATEST_START_SECONDS);
  // What a file says of its length may be wrong.
  if (!(await take(making, picture, from)) && from > 0) await take(making, picture, 0);
  return new Map([[NAME, path.join(making.scratch.work, NAME)]]);
};
