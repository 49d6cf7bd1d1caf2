import { describe, expect, it } from 'vitest';
import { chunksOf, type Part } from '../../../../streamer/src/ingest/ladder/chunks';
import { rungSize } from '../../../../streamer/src/ingest/ladder/rung-plan';

/** Segments of so many seconds, one after the other. */
function parts(...durations: number[]): Part[] {
  let at = 0;
  return durations.map((durationSeconds) => {
    const part = { startSeconds: at, durationSeconds, packetSeconds: at };
    at += durationSeconds;
    return part;
  });
}

describe('the chunks of a rung', () => {
  it('are whole segments, ten seconds at least, and the last one goes to the end', () => {
    const chunks = chunksOf(parts(6, 6, 6, 6, 3), 0);
    expect(chunks.map(({ startSeconds, stopSeconds }) => [startSeconds, stopSeconds])).toEqual([
      [0, 12],
      [12, 24],
      [24, null],
    ]);
    expect(chunks.map(({ keysSeconds }) => keysSeconds)).toEqual([[0, 6], [12, 18], [24]]);
    expect(chunks.map(({ seekSeconds }) => seekSeconds)).toEqual([null, 12, 24]);
  });
  it('have further key pictures where a segment is long', () => {
    expect(chunksOf(parts(30, 12), 0).map(({ keysSeconds }) => keysSeconds)).toEqual([[0, 6, 12, 18, 24], [30]]);
    expect(chunksOf(parts(14), 0)[0]?.keysSeconds).toEqual([0, 6]);
  });
  it('are decoded from a segment earlier where a film cannot be entered at a picture', () => {
    expect(chunksOf(parts(12, 12, 12), 1).map(({ seekSeconds }) => seekSeconds)).toEqual([null, null, 12]);
  });
});

describe('the size of a rung', () => {
  it.each([
    [1920, 1080, 360, 640, 360],
    [1080, 1920, 360, 360, 640],
    [1920, 800, 480, 1152, 480],
    [853, 481, 1080, 852, 480],
    [853, 480, 360, 640, 360],
    [320, 180, 720, 320, 180],
    [3840, 2, 360, 3840, 2],
  ])('of %i × %i at %i is %i × %i', (width, height, shortSide, expectedWidth, expectedHeight) => {
    expect(rungSize({ width, height }, shortSide)).toEqual({ width: expectedWidth, height: expectedHeight });
  });
});
