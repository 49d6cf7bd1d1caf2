/** Samples per second that peaks are taken of, whatever the film has. */
export const SAMPLE_RATE = 44_100;

/** Pairs over the length of the film: more than a page has pixels for. */
const PAIRS = 1500;
const MIN_SAMPLES_PER_PAIR = 441;
/** What a film says of its length may be wrong; what is past this is not drawn. */
const ROOM = { factor: 1.05, seconds: 5 };

/** How many samples stand for one pair of peaks. */
export function samplesPerPair(durationSeconds: number): number {
  return Math.max(MIN_SAMPLES_PER_PAIR, Math.ceil((durationSeconds * SAMPLE_RATE) / PAIRS));
}

/** So much of the sound is looked at. */
export const drawnSeconds = (durationSeconds: number): number => durationSeconds * ROOM.factor + ROOM.seconds;

/** Peaks are printed as numbers from -1 to 1. */
function eightBit(peak: string | undefined): number {
  const value = Math.round(Number(peak ?? 0) * 128);
  return Number.isFinite(value) ? Math.min(127, Math.max(-128, value)) : 0;
}

/** Lowest and highest sample of each pair, one after the other, from what ffmpeg printed. */
export function parsePeaks(printed: string): number[] {
  const pairs = printed.split(/^frame:/m).slice(1);
  return pairs.flatMap((lines) => {
    const [, lowest] = /\.Min_level=(\S+)$/m.exec(lines) ?? [];
    const [, highest] = /\.Max_level=(\S+)$/m.exec(lines) ?? [];
    return [eightBit(lowest), eightBit(highest)];
  });
}

/** The JSON of audiowaveform, version 2, 8 bit: what players and page libraries read. */
export function formatWaveform(data: readonly number[], samples: number): string {
  const head = { version: 2, channels: 1, sample_rate: SAMPLE_RATE, samples_per_pixel: samples, bits: 8 };
  return JSON.stringify({ ...head, length: data.length / 2, data });
}
