import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { uploadWithCuts } from '../support/interrupted-upload';
import { PaddedFilm } from '../support/padded-film';
import { UploadSite } from '../support/upload-site';

const MIB = 1024 ** 2;

let site: UploadSite;

beforeAll(async () => {
  site = await UploadSite.start();
  // The first film loads what all later ones need.
  await uploadWithCuts(site, new PaddedFilm(64 * MIB), []);
  site.rest();
});
afterAll(() => site.dispose());

it('an upload cut off three times, once by the end of Strapi, is complete, equal, written once and not kept in memory', async () => {
  const film = new PaddedFilm(256 * MIB);
  const before = site.figures().writtenBytes;
  const { result, offsets } = await uploadWithCuts(site, film, [
    { atByte: 50 * MIB, kind: 'connection' },
    { atByte: 120 * MIB, kind: 'process' },
    { atByte: 200 * MIB, kind: 'connection' },
  ]);
  expect(offsets).toHaveLength(4);
  for (const [at, least] of [0, 40, 110, 190].entries()) expect(offsets[at]).toBeGreaterThanOrEqual(least * MIB);

  const library = path.join(site.storageRoot, 'library');
  const metadata = JSON.parse(await readFile(path.join(library, 'large (2).mp4.vod.json'), 'utf8'));
  expect(metadata).toMatchObject({ assetId: result.assetId, sizeBytes: film.sizeBytes, sha256: film.sha256() });
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path.join(library, 'large (2).mp4'))) hash.update(piece as Buffer);
  expect(hash.digest('hex')).toBe(metadata.sha256);
  expect(await readdir(path.join(site.storageRoot, 'incoming'))).toEqual([]);

  const { peakGrowthBytes, writtenBytes } = site.figures();
  expect((writtenBytes - before) / film.sizeBytes).toBeLessThanOrEqual(1.05);
  expect(peakGrowthBytes).toBeLessThanOrEqual(100_000_000);
});
