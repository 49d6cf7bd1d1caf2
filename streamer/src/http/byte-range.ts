export type ByteRange =
  | { kind: 'whole' }
  /** `last` is inclusive, as in Content-Range. */
  | { kind: 'part'; first: number; last: number }
  | { kind: 'unsatisfiable' };

const SINGLE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;
const WHOLE: ByteRange = { kind: 'whole' };

/**
 * Reads a Range field for a representation of `size` bytes. Several ranges are answered with the whole representation,
 * which RFC 9110 §14.2 allows; so is everything malformed.
 */
export function parseByteRange(field: string | undefined, size: number): ByteRange {
  const [, firstText = '', lastText = ''] = SINGLE_RANGE.exec(field ?? '') ?? [];
  if (firstText === '' && lastText === '') return WHOLE;
  if (firstText === '') {
    // RFC 9110 §14.1.2: a suffix longer than the representation is all of it; one of length 0 is unsatisfiable.
    const length = Math.min(Number(lastText), size);
    return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', first: size - length, last: size - 1 };
  }
  const first = Number(firstText);
  const last = lastText === '' ? Number.POSITIVE_INFINITY : Number(lastText);
  // RFC 9110 §14.1.1: an int-range whose last position is less than its first is invalid, and an invalid field is ignored.
  if (last < first) return WHOLE;
  if (first >= size) return { kind: 'unsatisfiable' };
  return { kind: 'part', first, last: Math.min(last, size - 1) };
}
