import { describe, expect, it } from 'vitest';
import { offeredSound } from '../../../../streamer/src/packager/offered-sound';
import { audioTrack, videoTrack } from './track-fixture';

const idsOf = (...tracks: Parameters<typeof offeredSound>[0]) => offeredSound(tracks).map(({ id }) => id);
const AC3 = { codec: 'ac-3' };

describe('the sound that viewers are offered', () => {
  it('is that of the first rendition, all languages of it, and of no other', () => {
    const source = [videoTrack('source-v1'), audioTrack('source-a1'), audioTrack('source-a2')];
    expect(idsOf(...source, videoTrack('480p-v1'), audioTrack('480p-a1'), audioTrack('480p-a2'))).toEqual([
      'source-a1',
      'source-a2',
    ]);
  });
  it('is that of the best rung where the source has none', () => {
    expect(idsOf(videoTrack('source-v1'), audioTrack('480p-a1'), audioTrack('360p-a1'))).toEqual(['480p-a1']);
  });
  it('is of one rung, too, where not every player can decode that of the source', () => {
    const rungs = ['480p', '360p'].flatMap((id) => [audioTrack(`${id}-a1`), audioTrack(`${id}-a2`)]);
    expect(idsOf(audioTrack('source-a1', AC3), audioTrack('source-a2', AC3), ...rungs)).toEqual([
      'source-a1',
      'source-a2',
      '480p-a1',
      '480p-a2',
    ]);
  });
  it('is not doubled where the source has both', () => {
    expect(idsOf(audioTrack('source-a1', AC3), audioTrack('source-a2'), audioTrack('480p-a1'))).toEqual([
      'source-a1',
      'source-a2',
    ]);
  });
});
