import { describe, expect, it } from 'vitest';
import { belowCeiling } from '../../../../server/src/services/entitlement/quality-ceiling';

const rendition = (id: string, height?: number) => ({
  id,
  storageKey: `${id}.mp4`,
  sizeBytes: 1,
  ...(height !== undefined && { height }),
});
const asset = {
  id: 'a',
  contentVersion: '12345678',
  fileName: 'film.mp4',
  mime: 'video/mp4',
  durationSeconds: 60,
  renditions: [rendition('source', 2160), rendition('r720', 720), rendition('r480', 480), rendition('odd')],
};
const left = (maxHeight: number | null) => belowCeiling(asset, maxHeight)?.renditions.map(({ id }) => id) ?? null;

describe('a quality ceiling', () => {
  it('that is none leaves all', () => expect(left(null)).toEqual(['source', 'r720', 'r480', 'odd']));
  it('leaves what is as high as itself or lower, and nothing of unknown height', () => {
    expect(left(720)).toEqual(['r720', 'r480']);
    expect(left(2160)).toEqual(['source', 'r720', 'r480']);
  });
  it('below all leaves nothing', () => expect(left(479)).toBeNull());
  it('leaves what has no picture', () => {
    const sound = { ...asset, renditions: [rendition('source', 0)] };
    expect(belowCeiling(sound, 1)).toEqual(sound);
  });
});
