import type { FilmLimits } from '../../../../server/contracts';
import { IngestError } from '../ingest-error';
import type { Making } from '../kinds/maker';
import { mayLeap } from '../tools/film-leaps';
import { type FilmLength, measureLength } from '../tools/film-length';
import { type FilmProbe, pictureOf, squared } from '../tools/film-probe';

function checkHead(probe: FilmProbe, limits: FilmLimits): void {
  const picture = pictureOf(probe);
  // As it is coded, and as it would be shown.
  const side = picture === null ? 0 : Math.max(picture.width, picture.height, squared(picture).width);
  const rate = picture?.packetsPerSecond ?? 0;
  if (side > limits.maxSidePixels) throw new IngestError('source-has-too-many-pixels', `${side} pixels on a side`);
  if (rate > limits.maxFrameRate) throw new IngestError('source-has-too-many-pictures', `${rate} pictures per second`);
}

function checkLength({ seconds, pictures }: FilmLength, limits: FilmLimits): void {
  if (seconds > limits.maxDurationSeconds) throw new IngestError('source-is-too-long', `${seconds} seconds`);
  if (pictures > limits.maxSamples) throw new IngestError('source-has-too-many-samples', `${pictures} pictures`);
  // Of a few pictures it says nothing.
  const rate = seconds < 1 ? 0 : pictures / seconds;
  if (rate > limits.maxFrameRate) throw new IngestError('source-has-too-many-pictures', `${rate} pictures per second`);
}

export interface KnownLength {
  seconds: number;
  /** The film was read to its end for it; otherwise the plugin says so, of what the film says of itself. */
  isMeasured: boolean;
}

/**
 * How long a film is that has to be converted. Measured where the plugin could not read it, and then held against what the site
 * allows of any film, and where its times may leap. Throws `IngestError` that names the limit.
 */
export async function lengthWithin(making: Making, probe: FilmProbe): Promise<KnownLength> {
  const { limits, durationSeconds, film } = making;
  if (limits === undefined && !mayLeap(film.demuxer)) return { seconds: durationSeconds, isMeasured: false };
  if (limits !== undefined) checkHead(probe, limits);
  const length = await measureLength(making);
  if (limits !== undefined) checkLength(length, limits);
  return { seconds: length.seconds, isMeasured: true };
}

/** Of what is left out at the end of a film because it cannot be decoded, or is less than a packet of sound. */
const SLACK_SECONDS = 2;
const SLACK_SHARE = 0.02;

const isAlike = (made: number, wanted: number): boolean =>
  Math.abs(made - wanted) <= Math.max(SLACK_SECONDS, wanted * SLACK_SHARE);

/** Holds the length of what was made against that of the film. Throws `source-length-unclear`: nothing is cut in silence. */
export async function checkMadeLength(making: Making, known: KnownLength, madeSeconds: number): Promise<void> {
  if (isAlike(madeSeconds, known.seconds)) return;
  // What a film says of itself may be wrong.
  const { seconds } = known.isMeasured ? known : await measureLength(making);
  if (isAlike(madeSeconds, seconds)) return;
  throw new IngestError('source-length-unclear', `${madeSeconds} seconds were made of ${seconds}`);
}
