/**
 * How far decoding has to run ahead of showing, in the unit of `times`: shown times of pictures in the order in which
 * they are decoded. 0 without reordering.
 */
export function reorderDelay(times: readonly number[]): number {
  const shown = Float64Array.from(times).sort();
  return times.reduce((delay, time, index) => Math.max(delay, (shown[index] ?? time) - time), 0);
}

/**
 * Whole milliseconds at which the pictures of one run are decoded, from the exact ones at which they are shown, in
 * decode order. Each picture takes the shown time of its place, `delayMs` earlier, as encoders count (ISO/IEC 14496-12
 * §8.6.1). At the start of the film that lies before 0: there the times rise by 1 ms from 0 until they have caught up.
 * Never later than shown, also where the run reorders more than `delayMs` allows; never falling.
 */
export function decodeTimes(shownMs: readonly number[], delayMs: number): number[] {
  const shown = Float64Array.from(shownMs).sort();
  const times = new Array<number>(shownMs.length);
  let latest = Number.POSITIVE_INFINITY;
  for (let index = shownMs.length - 1; index >= 0; index -= 1) {
    latest = Math.min(latest, Math.round(shownMs[index] ?? latest));
    const due = Math.round((shown[index] ?? latest) - delayMs);
    times[index] = Math.min(latest, Math.max(due, index));
  }
  return times;
}
