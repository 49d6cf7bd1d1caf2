import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cut, uploadWithCuts } from '../../support/interrupted-upload';
import { PaddedFilm } from '../../support/padded-film';
import { UploadSite } from '../../support/upload-site';

const GB = 1_000_000_000;
const SIZE_BYTES = Number(process.env.UPLOAD_BYTES ?? 8 * GB);
const CUTS = 10;
/** Of these, as many are the end of Strapi itself. */
const KILLS = 2;

let site: UploadSite;

beforeAll(async () => {
  site = await UploadSite.start();
  await uploadWithCuts(site, new PaddedFilm(64_000_000), []);
  site.rest();
});
afterAll(() => site?.dispose());

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

test(`${SIZE_BYTES / GB} GB, cut off ${CUTS} times at random`, async () => {
  const film = new PaddedFilm(SIZE_BYTES);
  const cuts = Array.from(
    { length: CUTS },
    (_, at): Cut => ({ atByte: Math.random() * SIZE_BYTES, kind: at < KILLS ? 'process' : 'connection' }),
  );
  const before = site.figures().writtenBytes;
  const startedAt = performance.now();
  const { offsets } = await uploadWithCuts(site, film, cuts);
  const seconds = (performance.now() - startedAt) / 1000;
  const { peakGrowthBytes, writtenBytes } = site.figures();
  const ratio = (writtenBytes - before) / SIZE_BYTES;
  const file = path.join(site.storageRoot, 'library/large (2).mp4');
  const [expected, stored] = [film.sha256(), await hashOf(file)];
  const metadata = JSON.parse(await readFile(`${file}.vod.json`, 'utf8'));
  console.log(
    [
      `went on at ${offsets.map((offset) => (offset / GB).toFixed(2)).join(', ')} GB; ${seconds.toFixed(0)} s`,
      `SHA-256 sent ${expected}, stored ${stored}, on record ${metadata.sha256}`,
      `peak memory of Strapi: ${(peakGrowthBytes / 1e6).toFixed(0)} MB above rest`,
      `written: ${ratio.toFixed(4)} × size`,
    ].join('\n'),
  );
  expect([stored, metadata.sha256]).toEqual([expected, expected]);
  expect(offsets).toHaveLength(CUTS + 1);
  expect(peakGrowthBytes).toBeLessThanOrEqual(100_000_000);
  // On a file system in memory nothing is counted, and nothing would be shown.
  expect(ratio).toBeGreaterThan(0.95);
  expect(ratio).toBeLessThanOrEqual(1.05);
}, 1_800_000);
