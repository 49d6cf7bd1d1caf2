import { describe, expect, it } from 'vitest';
import { isStorageKey } from '../../../server/contracts';

describe('storage keys', () => {
  it.each(['library/Talk.mp4', 'library/Kurse/Über uns (2).mp4', 'a', 'library/日本/映画.mkv'])('%s is one', (key) => {
    expect(isStorageKey(key)).toBe(true);
  });

  it.each([
    '',
    '/etc/passwd',
    'library//a.mp4',
    'library/',
    '../a.mp4',
    'library/../../a.mp4',
    'library/./a.mp4',
    'library/.hidden',
    'library\\a.mp4',
    'library/a\0.mp4',
    'library/a\n.mp4',
    `library/${'a'.repeat(256)}`,
    Array.from({ length: 300 }, () => 'abcd').join('/'),
  ])('%j is not', (key) => {
    expect(isStorageKey(key)).toBe(false);
  });
});
