import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Maker } from '../../../streamer/src/ingest/kinds/maker';
import { makePoster } from '../../../streamer/src/ingest/kinds/poster';
import { makeStoryboard } from '../../../streamer/src/ingest/kinds/storyboard';
import { openScratch } from '../../../streamer/src/ingest/scratch';
import { sniffFilm } from '../../../streamer/src/ingest/tools/film-input';
import { createToolSource } from '../../../streamer/src/ingest/tools/tool-source';
import type { Toolbox } from '../../../streamer/src/ingest/tools/toolbox';
import { createLogger } from '../../../streamer/src/logger';
import { CLIP } from '../../support/films';
import { FFMPEG, repeatFilm } from '../../support/tools';
import { median } from '../machine';

const ROUNDS = 5;
const GIB = 1024 ** 3;

let root: string;
let tools: Toolbox | null;

/** Seconds from the first look at the film to the finished pictures, as a worker runs it. */
async function measure(make: Maker, film: string, durationSeconds: number): Promise<number> {
  const job = { id: 'job', attempt: 1, scratch: 'ingest/job', outputs: [] };
  const scratch = await openScratch(root, { ...job, asset: 'a', kind: 'poster', leaseSeconds: 60, source: SOURCE });
  if (tools === null) throw new Error('ffmpeg is missing');
  const startedAt = performance.now();
  const { signal } = new AbortController();
  const opened = await sniffFilm(film);
  await make({
    film: opened,
    durationSeconds,
    scratch,
    tools,
    maxPixels: 1e8,
    signal,
    progressed: () => undefined,
    described: () => undefined,
    noted: () => undefined,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  await scratch.removeAll();
  return seconds;
}

const SOURCE = { storageKey: 'library/film.mp4', sizeBytes: 1, mime: 'video/mp4', durationSeconds: 1 };

beforeAll(async () => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), 'protected-vod-pictures-')));
  await mkdir(path.join(root, 'ingest'));
  if (!FFMPEG) return;
  await repeatFilm(CLIP, 20, path.join(root, 'ten-minutes.mp4'));
  const logger = createLogger({ level: 'silent', secrets: [] });
  const settings = { memoryBytes: GIB, maxSeconds: 600, confinement: 'best-effort', root, logger } as const;
  tools = (await createToolSource({ ffmpeg: undefined, ...settings })()).toolbox;
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe.skipIf(!FFMPEG)('pictures of a film of ten minutes, 1080p', () => {
  it.each([
    ['poster', makePoster, 3],
    ['storyboard', makeStoryboard, 5],
  ])('%s', async (name, make, limitSeconds) => {
    const film = path.join(root, 'ten-minutes.mp4');
    const seconds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) seconds.push(await measure(make, film, 600.6));
    console.log(`${name}: median ${median(seconds).toFixed(2)} s of ${seconds.map((s) => s.toFixed(2)).join(', ')}`);
    expect(median(seconds)).toBeLessThanOrEqual(limitSeconds);
  });
});
