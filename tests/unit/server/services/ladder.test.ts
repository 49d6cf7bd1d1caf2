import { describe, expect, it } from 'vitest';
import { kindsFor } from '../../../../server/src/services/ingest/kinds';
import { type LadderFilm, rungOrderOf, rungsBelow } from '../../../../server/src/services/ingest/ladder';

const SETTINGS = { ladder: [720, 480, 360], maxRungHeight: 1080, preset: 'veryfast' } as const;

/** Ten minutes. */
function film(width: number, height: number, bits: number, changes: Partial<LadderFilm> = {}): LadderFilm {
  const tracks = [{ kind: 'video', width, height }, { kind: 'audio' }];
  return { tracks, verdict: 'playable', durationSeconds: 600, sizeBytes: (bits / 8) * 600, ...changes };
}

const MBIT = 1_000_000;
const below = (
  one: LadderFilm,
  settings: Parameters<typeof rungsBelow>[1] = { ...SETTINGS, ladder: [720, 480, 360] },
) => rungsBelow(one, settings);

describe('the rungs of a film', () => {
  it('are those below it, lowest first', () => {
    expect(below(film(1920, 1080, 6 * MBIT))).toEqual([360, 480, 720]);
    expect(below(film(1280, 720, 3 * MBIT))).toEqual([360, 480]);
    expect(below(film(320, 180, MBIT))).toEqual([]);
  });
  it('are counted by the shorter side', () => {
    expect(below(film(1080, 1920, 6 * MBIT))).toEqual([360, 480, 720]);
    expect(below(film(480, 854, 3 * MBIT))).toEqual([360]);
  });
  it('are not nearly as high as the film, or as the next one', () => {
    expect(below(film(960, 540, 3 * MBIT))).toEqual([360]);
    expect(below(film(1920, 1080, 6 * MBIT), { ...SETTINGS, ladder: [540, 480, 360] })).toEqual([360, 540]);
  });
  it('take well below what the film takes', () => {
    expect(below(film(1920, 1080, 0.3 * MBIT))).toEqual([360, 480]);
    expect(below(film(1920, 1080, 0.15 * MBIT))).toEqual([]);
  });
  it('are none above the highest that is permitted, and none where the ladder is switched off', () => {
    expect(below(film(3840, 2160, 20 * MBIT), { ...SETTINGS, ladder: [720, 480], maxRungHeight: 500 })).toEqual([480]);
    expect(below(film(1920, 1080, 6 * MBIT), { ...SETTINGS, ladder: [] })).toEqual([]);
  });
  it('wait for a judgement, and for a picture', () => {
    expect(below(film(1920, 1080, 6 * MBIT, { verdict: null }))).toEqual([]);
    expect(below(film(1920, 1080, 6 * MBIT, { verdict: 'refused' }))).toEqual([]);
    expect(below(film(1920, 1080, 6 * MBIT, { tracks: [{ kind: 'audio' }] }))).toEqual([]);
    expect(below(film(1920, 1080, 6 * MBIT, { tracks: null }))).toEqual([]);
  });
});

describe('a film that cannot be delivered as it is', () => {
  const odd = (width: number, height: number) => film(width, height, MBIT, { verdict: 'transcode-first' });
  const order = (one: LadderFilm) => rungOrderOf('rung-full', one, { ...SETTINGS, ladder: [720] });

  it('is made as high as it is, up to a limit, and the ladder below that', () => {
    expect(order(odd(1280, 720))).toEqual({ height: 720, followsSource: false, preset: 'veryfast' });
    expect(order(odd(2160, 3840))?.height).toBe(1080);
    expect(below(odd(3840, 2160))).toEqual([360, 480, 720]);
    expect(kindsFor(odd(1280, 720), { ...SETTINGS, ladder: [360] })).toEqual([
      'poster',
      'storyboard',
      'texts',
      'rung-full',
      'rung-360',
    ]);
  });
  it('is made whatever of it is known', () => {
    expect(kindsFor({ ...odd(0, 0), tracks: null }, { ...SETTINGS, ladder: [] })).toContain('rung-full');
    expect(order({ ...odd(0, 0), tracks: null })?.height).toBe(1080);
  });
  it('has nothing else made of it before its length is known', () => {
    const unread = { ...odd(0, 0), tracks: [{ kind: 'video' }, { kind: 'audio' }], durationSeconds: 0 };
    expect(kindsFor(unread, { ...SETTINGS, ladder: [] })).toEqual(['rung-full']);
    expect(kindsFor({ ...unread, tracks: [{ kind: 'audio' }] }, { ...SETTINGS, ladder: [] })).toEqual(['rung-full']);
  });
  it('is none of those that can', () => {
    expect(kindsFor(film(1920, 1080, 6 * MBIT), { ...SETTINGS, ladder: [] })).toEqual([
      'poster',
      'storyboard',
      'texts',
    ]);
    expect(rungOrderOf('poster', odd(1280, 720), { ...SETTINGS, ladder: [] })).toBeNull();
  });
});
