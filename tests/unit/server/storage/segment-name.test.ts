import { describe, expect, test } from 'vitest';
import { isStorageKey } from '../../../../server/contracts';
import { segmentName } from '../../../../server/src/storage/segment-name';

describe('a file name becomes one segment of a storage key', () => {
  test.each([
    ['talk.mp4', 'talk.mp4'],
    ['Überblick.mp4', 'Überblick.mp4'],
    ['Überblick.mp4', 'Überblick.mp4'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['..', 'unnamed'],
    ['.hidden.mp4', 'hidden.mp4'],
    ['a/b\\c.mp4', 'a_b_c.mp4'],
    ['con', '_con'],
    ['con.mp4', '_con.mp4'],
    ['gnp\u202e4pm.exe', 'gnp4pm.exe'],
    ['a?b*c:d|e<f>.mp4', 'a_b_c_d_e_f_.mp4'],
    ['  spaced .mp4 ', 'spaced.mp4'],
    ['', 'unnamed'],
    ['talk.mp4.vod.json', 'talk.mp4.vod.json_'],
  ])('%j → %j', (given, expected) => {
    expect(segmentName(given)).toBe(expected);
    expect(isStorageKey(segmentName(given))).toBe(true);
  });

  test('a name that is too long is cut between letters and keeps its extension', () => {
    const name = segmentName(`${'👩‍🚀é'.repeat(100)}.mp4`, 12);
    expect(Buffer.byteLength(`${name}.vod.json`)).toBeLessThanOrEqual(255);
    expect(name).toMatch(/^(👩‍🚀é|👩🚀é)+(👩‍🚀|👩🚀|👩)? \(12\)\.mp4$/u);
  });

  test('a name that is cut does not come to end like a metadata file', () => {
    for (let length = 200; length < 260; length += 1) {
      expect(segmentName(`${'x'.repeat(length)}.vod${'y'.repeat(60)}.json`)).not.toMatch(/\.vod\.json$/i);
    }
  });
});
