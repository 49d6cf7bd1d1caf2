import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledPackagerThread } from '../support/packager-thread';
import { FFMPEG, ffmpeg, repeatFilm } from '../support/tools';

/** What a streamer is told where the site says nothing else. */
const SETTINGS = { cutThreads: 1, memoryCacheBytes: 128 * 2 ** 20, diskCacheBytes: 2 * 2 ** 30 };
const SEGMENTS = 40;
const ROUNDS = 5;

interface Figures {
  segmentMegabytes: number;
  cpuMsPerSegment: number;
  delayP99Ms: number;
  delayMaxMs: number;
  peakMegabytes: number;
  segmentsPerSecond: number;
}

let directory: string;

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** 10 s of 1080p with one key picture and 6 MB, repeated: each 10 s are a segment. */
async function makeFilm(target: string): Promise<void> {
  const group = path.join(directory, 'group.mp4');
  const noise = ['-f', 'lavfi', '-i', 'testsrc2=size=1920x1080:rate=25:duration=10', '-vf', 'noise=alls=12:allf=t'];
  const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=10'];
  const rate = ['-b:v', '4900k', '-minrate', '4900k', '-maxrate', '4900k', '-bufsize', '4900k'];
  const picture = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '250', '-sc_threshold', '0', '-bf', '2', ...rate];
  const [input, filter] = [noise.slice(0, 4), noise.slice(4)];
  await ffmpeg(...input, ...sound, ...filter, ...picture, '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '128k', group);
  await repeatFilm(group, SEGMENTS + 1, target);
}

/** In a process of its own, so that all CPU and memory counted are the packager's and its threads'. */
async function cutCold(film: string): Promise<Figures> {
  const cacheDir = await mkdtemp(path.join(directory, 'cache-'));
  const entry = compiledPackagerThread();
  const packager = path.join(path.dirname(entry), '../packager.js');
  const child = fork(path.join(import.meta.dirname, 'just-in-time-process.cjs'), { execArgv: [] });
  child.send({ packager, entry, film, cacheDir, count: SEGMENTS, settings: SETTINGS });
  const [figures] = (await once(child, 'message')) as [Figures];
  await rm(cacheDir, { recursive: true });
  return figures;
}

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-bench-'));
  if (FFMPEG) await makeFilm(path.join(directory, 'film.mp4'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe.skipIf(!FFMPEG)('just-in-time cutting with cold caches (needs ffmpeg)', () => {
  it('40 segments of 10 s and 6 MB at once, one cutting thread', async () => {
    const rounds: Figures[] = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await cutCold(path.join(directory, 'film.mp4')));
    const middle = (pick: (figures: Figures) => number): number => median(rounds.map(pick));
    const cpuMs = middle((figures) => figures.cpuMsPerSegment);
    const delayMs = middle((figures) => figures.delayP99Ms);
    const megabytes = middle((figures) => figures.peakMegabytes);
    console.log(`segment: ${middle((figures) => figures.segmentMegabytes).toFixed(2)} MB`);
    console.log(`CPU per segment, all threads: ${cpuMs.toFixed(1)} ms (bar 50)`);
    console.log(
      `event loop delay p99: ${delayMs.toFixed(1)} ms (bar 20), longest ${middle((f) => f.delayMaxMs).toFixed(1)}`,
    );
    console.log(`resident memory at most: ${megabytes.toFixed(0)} MB (bar 500)`);
    console.log(`segments per second: ${middle((figures) => figures.segmentsPerSecond).toFixed(1)}`);
    expect(cpuMs).toBeLessThanOrEqual(50);
    expect(delayMs).toBeLessThanOrEqual(20);
    expect(megabytes).toBeLessThanOrEqual(500);
  });
});
