import type { FilmLimits } from '../../../../server/contracts';
import { IngestError } from '../ingest-error';
import type { Making } from '../kinds/maker';
import { measureLength } from '../tools/film-length';
import { type FilmProbe, pictureOf, squared } from '../tools/film-probe';

function checkHead(probe: FilmProbe, limits: FilmLimits): void {
  const picture = pictureOf(probe);
  // As it is coded, and as it would be shown.
  const side = picture === null ? 0 : Math.max(picture.width, picture.height, squared(picture).width);
  const rate = picture?.packetsPerSecond ?? 0;
  if (side > limits.maxSidePixels) throw new IngestError('source-has-too-many-pixels', `${side} pixels on a side`);
  if (rate > limits.maxFrameRate) throw new IngestError('source-has-too-many-pictures', `${rate} pictures per second`);
}

/**
 * How long a film is that the plugin could not read, held against what the site allows of any film; of others what the plugin
 * says. Throws `IngestError` that names the limit.
 */
export async function secondsWithin(making: Making, probe: FilmProbe): Promise<number> {
  const { limits, durationSeconds } = making;
  if (limits === undefined) return durationSeconds;
  checkHead(probe, limits);
  const { seconds, pictures } = await measureLength(making);
  if (seconds > limits.maxDurationSeconds) throw new IngestError('source-is-too-long', `${seconds} seconds`);
  // Of a few pictures it says nothing.
  const rate = seconds < 1 ? 0 : pictures / seconds;
  if (rate > limits.maxFrameRate) throw new IngestError('source-has-too-many-pictures', `${rate} pictures per second`);
  return seconds;
}
