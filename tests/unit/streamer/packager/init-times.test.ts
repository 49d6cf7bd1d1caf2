import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assetOf, BUNNY, type Counted, countingPackager, makeScratch } from './film-fixture';

let scratch: Awaited<ReturnType<typeof makeScratch>>;
let counted: Counted;

beforeAll(async () => {
  scratch = await makeScratch();
  counted = countingPackager(scratch.directory);
});

afterAll(async () => {
  await counted.packager.close();
  await scratch.remove();
});

describe('S19 an init segment', () => {
  it.each(['source-v1', 'source-a1'])('of %s does not tell when it was written', async (track) => {
    const init = await counted.packager.initSegment(assetOf({ source: BUNNY }), track);
    for (const box of ['mvhd', 'tkhd', 'mdhd']) {
      const body = (init?.bytes.indexOf(box) ?? -1) + 4;
      expect(body).toBeGreaterThan(3);
      expect([box, init?.bytes.readUInt32BE(body + 4), init?.bytes.readUInt32BE(body + 8)]).toEqual([box, 0, 0]);
    }
  });
});
