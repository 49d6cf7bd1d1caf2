import { describe, expect, it } from 'vitest';
import { parseByteRange } from '../../../../streamer/src/http/byte-range';

const WHOLE = { kind: 'whole' };
const NONE = { kind: 'unsatisfiable' };
const part = (first: number, last: number) => ({ kind: 'part', first, last });

describe('a Range field', () => {
  it.each<[string | undefined, number, object]>([
    [undefined, 10, WHOLE],
    ['', 10, WHOLE],
    ['bytes=0-0', 10, part(0, 0)],
    ['bytes=0-', 10, part(0, 9)],
    ['bytes=9-', 10, part(9, 9)],
    ['bytes=9-9', 10, part(9, 9)],
    ['bytes=2-5', 10, part(2, 5)],
    ['bytes=2-10', 10, part(2, 9)],
    ['bytes=2-99999999999999999999', 10, part(2, 9)],
    ['BYTES=2-5', 10, part(2, 5)],
    ['bytes= 2-5 ', 10, part(2, 5)],
    ['bytes=-1', 10, part(9, 9)],
    ['bytes=-10', 10, part(0, 9)],
    ['bytes=-11', 10, part(0, 9)],
    ['bytes=-0', 10, NONE],
    ['bytes=10-', 10, NONE],
    ['bytes=10-20', 10, NONE],
    ['bytes=99999999999999999999-', 10, NONE],
    ['bytes=0-0', 0, NONE],
    ['bytes=-5', 0, NONE],
    ['bytes=5-2', 10, WHOLE],
    ['bytes=-', 10, WHOLE],
    ['bytes=', 10, WHOLE],
    ['bytes=a-b', 10, WHOLE],
    ['bytes=1-2-3', 10, WHOLE],
    ['bytes=--1', 10, WHOLE],
    ['bytes=1.5-2', 10, WHOLE],
    ['bytes=0x1-2', 10, WHOLE],
    ['items=0-5', 10, WHOLE],
    ['0-5', 10, WHOLE],
    ['bytes=0-1,3-4', 10, WHOLE],
    ['bytes=0-1, -1', 10, WHOLE],
  ])('%j of %d bytes', (field, size, expected) => {
    expect(parseByteRange(field, size)).toEqual(expected);
  });

  it('covers exactly the bytes of the definition, for every range of small representations', () => {
    for (let size = 0; size <= 5; size += 1) {
      for (let first = 0; first <= 6; first += 1) {
        for (let last = first; last <= 7; last += 1) {
          const expected = first >= size ? NONE : part(first, Math.min(last, size - 1));
          expect(parseByteRange(`bytes=${first}-${last}`, size)).toEqual(expected);
        }
        const suffix = Math.min(first, size);
        const expected = suffix === 0 ? NONE : part(size - suffix, size - 1);
        expect(parseByteRange(`bytes=-${first}`, size)).toEqual(expected);
      }
    }
  });
});
