import { stat } from 'node:fs/promises';
import { EncodedPacketSink } from 'mediabunny';
import { IngestError } from '../ingest-error';
import { openToolFilm, readToolLines } from '../tools/tool-file';
import type { Coding } from './encoder';

/** Less than half of what lies between two pictures. */
const MARGIN_SECONDS = 0.0008;
/** ffmpeg prints six digits of a time. */
const PRINTED_SHARE = 1e-5;
const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** Rates are kept over two seconds, and no longer part is looked at than that it matters. */
const RATE_SECONDS = 2;
const RATE_SHARE = 1.2;

/** Filters that write down the time of each picture that passes, before an encoder sees it. `list`: a plain file name. */
export const listPicturesIn = (list: string): string[] => [
  'metadata=mode=add:key=given:value=1',
  `metadata=mode=print:file=${list}`,
];

async function timesIn(list: string): Promise<number[]> {
  const times: number[] = [];
  for await (const line of readToolLines(list, MAX_LIST_BYTES)) {
    const [, seconds] = /^frame:\d+ +pts:-?\d+ +pts_time:(\S+)$/.exec(line) ?? [];
    if (seconds !== undefined) times.push(Number(seconds));
  }
  return times;
}

interface MadePicture {
  seconds: number;
  isKey: boolean;
}

async function picturesOf(file: string): Promise<MadePicture[]> {
  const film = await openToolFilm(file);
  try {
    const track = await film.input.getPrimaryVideoTrack();
    if (track === null) return [];
    const pictures: MadePicture[] = [];
    for await (const { timestamp, type } of new EncodedPacketSink(track).packets(undefined, undefined, {
      metadataOnly: true,
    })) {
      pictures.push({ seconds: timestamp, isKey: type === 'key' });
    }
    return pictures;
  } finally {
    await film.retire();
  }
}

function timeFault(made: readonly MadePicture[], given: readonly number[]): string | null {
  if (made.length !== given.length) return `${given.length} pictures were given, ${made.length} were made`;
  const wrong = made.findIndex(({ seconds }, index) => {
    const wanted = given[index] ?? Number.NaN;
    return !(Math.abs(seconds - wanted) <= MARGIN_SECONDS + wanted * PRINTED_SHARE);
  });
  return wrong < 0 ? null : `picture ${wrong} is not at its time`;
}

/** As ffmpeg forces them: each time stands for the first picture at or after it, and no picture for two. */
function keyFault(made: readonly MadePicture[], keysSeconds: readonly number[]): string | null {
  let next = 0;
  for (const [index, { seconds, isKey }] of made.entries()) {
    const isWanted = seconds >= (keysSeconds[next] ?? Number.POSITIVE_INFINITY);
    if (isWanted) next += 1;
    if (isKey !== (isWanted || index === 0)) return `picture ${index} is ${isKey ? 'a' : 'no'} key picture`;
  }
  return null;
}

/**
 * Looks through what hardware has made of pictures that `list` tells of: one for each, at its time, in the order in which they
 * are shown, key pictures where they are wanted and nowhere else, and no more bits than it may have. Throws `output-invalid`.
 */
export async function checkMadePictures(file: string, list: string, { bits, keysSeconds }: Omit<Coding, 'preset'>) {
  const [given, made] = [await timesIn(list), await picturesOf(file)];
  const most = (bits / 8) * ((made.at(-1)?.seconds ?? 0) + RATE_SECONDS) * RATE_SHARE;
  const isLarge = (await stat(file)).size > most;
  const fault = timeFault(made, given) ?? keyFault(made, keysSeconds) ?? (isLarge ? 'it is above its bit rate' : null);
  if (fault !== null) throw new IngestError('output-invalid', fault);
}
