import type { InspectionLimits } from './inspection-config';

/** Beside the tables of the samples: names, chapters, pictures of the cover. */
const OTHER_TABLES_BYTES = 64 * 1024 * 1024;
/** Size, two times, offset and key mark of a sample, in the longest form that each of them has. */
const TABLE_BYTES_PER_SAMPLE = 32;

/** The largest piece that is read at once: parsers ask for tables as a whole, whatever a file says of their size. */
export function maxReadBytes({ maxSamples }: InspectionLimits): number {
  return OTHER_TABLES_BYTES + maxSamples * TABLE_BYTES_PER_SAMPLE;
}

/** Looking at it would take more than it may. */
export class TooComplex extends Error {
  override readonly name = 'TooComplex';
}
