import { expect, it } from 'vitest';
import { createMemoryCeiling } from '../../../../server/src/supervisor';

const MIB = 1024 ** 2;

it('a streamer above its memory ceiling is replaced with a sentence, once in ten minutes at most', () => {
  const sentences: string[] = [];
  let replaced = 0;
  const note = createMemoryCeiling({
    maxBytes: 100 * MIB,
    warn: (sentence) => sentences.push(sentence),
    replace: () => {
      replaced += 1;
    },
  });
  note(100 * MIB);
  expect(replaced).toBe(0);
  for (const rssBytes of [150 * MIB, 160 * MIB]) note(rssBytes);
  expect(replaced).toBe(1);
  expect(sentences).toEqual([
    'streamer: 150 MiB of memory, more than streamer.maxMemoryBytes (100 MiB); it is replaced',
  ]);
});
