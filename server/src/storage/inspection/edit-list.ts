/** One entry of an edit list (ISO/IEC 14496-12 §8.6.6). */
export interface Edit {
  /** 0: to the end. */
  durationSeconds: number;
  /** Where in the track it begins; null: nothing is shown meanwhile. */
  mediaSeconds: number | null;
  rate: number;
}

/** What of a track is shown, on the film's own timeline. */
export interface ShownSpan {
  startSeconds: number;
  /** Infinity: to the end of the track. */
  endSeconds: number;
}

/** Rounding of two time scales. */
const TOLERANCE_SECONDS = 0.002;

/** Edits that go on where the one before ends are one. */
function joinFollowing(edits: readonly Edit[]): Edit[] {
  const joined: Edit[] = [];
  for (const edit of edits) {
    const before = joined.at(-1);
    const follows =
      before?.mediaSeconds != null &&
      edit.mediaSeconds !== null &&
      before.durationSeconds > 0 &&
      Math.abs(before.mediaSeconds + before.durationSeconds - edit.mediaSeconds) <= TOLERANCE_SECONDS;
    if (!follows) joined.push({ ...edit });
    else before.durationSeconds = edit.durationSeconds === 0 ? 0 : before.durationSeconds + edit.durationSeconds;
  }
  return joined;
}

/** Whether some of the track is left out between two edits. */
function leavesOut(edits: readonly Edit[]): boolean {
  return edits.some((edit, index) => {
    const next = edits[index + 1];
    if (edit.mediaSeconds === null || next?.mediaSeconds == null) return false;
    return next.mediaSeconds > edit.mediaSeconds + edit.durationSeconds;
  });
}

/**
 * What an edit list lets be seen. `hidden`: it leaves out a part in the middle, or all; `unclear`: it says what players do
 * not do alike.
 */
export function shownSpan(edits: readonly Edit[]): ShownSpan | 'hidden' | 'unclear' {
  if (edits.length === 0) return { startSeconds: 0, endSeconds: Number.POSITIVE_INFINITY };
  const first = edits.findIndex(({ mediaSeconds }) => mediaSeconds !== null);
  if (first === -1) return 'hidden';
  const last = edits.findLastIndex(({ mediaSeconds }) => mediaSeconds !== null);
  const shown = joinFollowing(edits.slice(first, last + 1));
  if (shown.some(({ rate }) => rate !== 1)) return 'unclear';
  const [only] = shown;
  if (only === undefined || shown.length > 1) return leavesOut(shown) ? 'hidden' : 'unclear';
  const startSeconds = edits.slice(0, first).reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
  const endSeconds = only.durationSeconds === 0 ? Number.POSITIVE_INFINITY : startSeconds + only.durationSeconds;
  return { startSeconds, endSeconds };
}
