import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentDigest } from '../../../streamer/src/packager/content-digest';
import { DEPLOY } from '../../support/deploy-sample';
import { createRandom } from '../../support/hostile/random';
import { FFMPEG, NGINX } from '../../support/tools';
import { compileLoad, type Load } from '../load/load';
import { type BenchFilm, makeBenchFilm } from './bench-film';
import { type BenchServer, startPlainNginx, startSampleNginx } from './bench-nginx';
import { type BenchStreamer, segmentPath, startBenchStreamer } from './bench-streamer';
import { type Contest, compete, type Outcome, printOutcomes } from './contest';

const SIZES = [
  { name: '200 KB', segmentBytes: 200_000 },
  { name: '1 MB', segmentBytes: 1_000_000 },
  { name: '4 MB', segmentBytes: 4_000_000 },
];
const SEGMENTS = 8;
const SESSIONS_A_FILM = 4;
const RANGES = 400;
const SEED = 20_261_122;
/**
 * With a permission kept for a second, the streamer and the backend are asked some sixty times a second, not thousands: that many
 * more viewers are there before it counts, so that their compilers have done their work as they have where servers run for days.
 */
const WARM_UP_SESSIONS = 32;
const EDGE_WARM_UP_SECONDS = 20;
/** Too little for any segment: all that is sent comes from files, and those from the page cache. */
const NO_MEMORY_CACHE = { PROTECTED_VOD_MEMORY_CACHE_BYTES: '1' };
const PROXIED = { PROTECTED_VOD_TRUSTED_PROXIES: '127.0.0.1' };
const SAMPLES = {
  accel: { sample: 'nginx-accel.conf', env: { ...PROXIED, PROTECTED_VOD_ACCEL_PREFIX: '/protected-vod-segments/' } },
  edge: { sample: 'nginx-edge.conf', env: { ...PROXIED, PROTECTED_VOD_EDGE: 'true' } },
} as const;

let directory: string;
let storageRoot: string;
let www: string;
let load: Load;
const films = new Map<string, BenchFilm>();
const running: { stop(): Promise<void> }[] = [];
const outcomes: Outcome[] = [];

function kept<T extends { stop(): Promise<void> }>(server: T): T {
  running.push(server);
  return server;
}

function filmOf(size: string): BenchFilm {
  const film = films.get(size);
  if (film === undefined) throw new Error(`no film of ${size}`);
  return film;
}

const numbers = Array.from({ length: SEGMENTS }, (_, index) => index + 1);

const openSessions = (streamer: BenchStreamer, film: BenchFilm, count = SESSIONS_A_FILM): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => streamer.openSession(film)));

const targetsOf = (sessions: string[]): string[] =>
  sessions.flatMap((session) => numbers.map((number) => segmentPath(session, number)));

/** Every segment of a film under every one of its sessions, through whatever `port`; each has been asked for once. */
async function openTargets(streamer: BenchStreamer, size: string, port = streamer.port): Promise<string[]> {
  const film = filmOf(size);
  const targets = targetsOf(await openSessions(streamer, film));
  for (const target of targets) {
    const answer = await fetch(`http://127.0.0.1:${port}${target}`);
    if (answer.status !== 200) throw new Error(`${target} answered ${answer.status}`);
    const number = /(\d+)\.m4s$/.exec(target)?.[1];
    // nginx gets the very bytes that the streamer sends.
    await writeFile(path.join(www, film.name, `${number}.m4s`), Buffer.from(await answer.arrayBuffer()));
  }
  return targets;
}

/** The files that both sides send are one and the same then: how a file lies in the page cache changes what sending it costs. */
async function shareFiles(size: string, cacheDir: string): Promise<void> {
  const segments = path.join(cacheDir, 'segments');
  const byDigest = new Map((await readdir(segments)).map((name) => [name.split('.')[1], path.join(segments, name)]));
  for (const number of numbers) {
    const file = path.join(www, filmOf(size).name, `${number}.m4s`);
    const digest = contentDigest(await readFile(file));
    await rm(file);
    await link(byDigest.get(digest) ?? '', file);
  }
}

const plainTargets = (size: string): string[] => numbers.map((number) => `/${filmOf(size).name}/${number}.m4s`);

/** As many permissions to keep as there are here: one for each viewer and segment. */
const plainViewers = (size: string, count = SESSIONS_A_FILM): string[] =>
  Array.from({ length: count }, (_, viewer) => plainTargets(size).map((target) => `${target}?viewer=${viewer}`)).flat();

async function startSample(
  form: keyof typeof SAMPLES,
  size: string,
): Promise<Contest['ours'] & { streamer: BenchStreamer }> {
  const { sample, env } = SAMPLES[form];
  const own = path.join(directory, `${form}-${filmOf(size).name}`);
  const cacheDir = path.join(own, 'cache');
  const streamer = kept(await startBenchStreamer({ directory: own, storageRoot, cacheDir, env }));
  const parts = { directory: path.join(own, 'nginx'), sample, streamerPort: streamer.port, cacheDir };
  const front = kept(await startSampleNginx(parts));
  const targets = await openTargets(streamer, size, front.port);
  await shareFiles(size, cacheDir);
  return { port: front.port, pids: () => [...streamer.pids(), ...front.pids()], targets, streamer };
}

/** Ranges of 64 KB to 2 MB, 1 MB on average. */
function randomRanges(sizeBytes: number): string[] {
  const { below } = createRandom(SEED);
  return Array.from({ length: RANGES }, () => {
    const length = 65_536 + below(2_097_152 - 65_536);
    const first = below(sizeBytes - length);
    return `bytes=${first}-${first + length - 1}`;
  });
}

async function expectBar(contest: Contest): Promise<void> {
  const outcome = await compete(load, contest);
  outcomes.push(outcome);
  printOutcomes([outcome]);
  expect(outcome.ratio, outcome.name).toBeGreaterThanOrEqual(outcome.bar);
}

beforeAll(async () => {
  if (!NGINX || !FFMPEG) throw new Error('nginx and ffmpeg are needed');
  if (availableParallelism() < 2) throw new Error('two cores are needed: one for the servers, one for the client');
  directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-bench-'));
  [storageRoot, www] = [path.join(directory, 'storage'), path.join(directory, 'www')];
  load = compileLoad(directory);
  for (const { name, segmentBytes } of SIZES) {
    const order = { name: name.replace(/\W/g, '').toLowerCase(), segmentBytes, segments: SEGMENTS };
    const film = await makeBenchFilm(storageRoot, order);
    films.set(name, film);
    await mkdir(path.join(www, film.name), { recursive: true });
    await symlink(film.file, path.join(www, film.name, 'film.mp4'));
  }
});

afterAll(async () => {
  if (outcomes.length > 0) printOutcomes(outcomes);
  for (const server of running.reverse()) await server.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('bytes per CPU-second of all server-side processes, against nginx with auth_request', () => {
  let nginx: BenchServer;
  let streamer: BenchStreamer;
  beforeAll(async () => {
    nginx = kept(await startPlainNginx(path.join(directory, 'nginx'), www, false));
    streamer = kept(await startBenchStreamer({ directory: path.join(directory, 'hot'), storageRoot }));
  });

  it.each([
    ['200 KB', 1],
    ['1 MB', 1],
    ['4 MB', 0.9],
  ])('hot segments of %s', async (size, bar) => {
    const ours = { ...streamer, targets: await openTargets(streamer, size) };
    await expectBar({ name: `hot, ${size}`, bar, ours, theirs: { ...nginx, targets: plainTargets(size) } });
  });

  it('random ranges of /mp4', async () => {
    const film = filmOf('4 MB');
    const ranges = randomRanges(film.asset.renditions[0]?.sizeBytes ?? 0);
    const sessions = await openSessions(streamer, film);
    const targets = ranges.map((range, at) => `/v/${sessions[at % SESSIONS_A_FILM]}/mp4\t${range}`);
    const plain = ranges.map((range) => `/${film.name}/film.mp4\t${range}`);
    await expectBar({
      name: '/mp4, ranges of 1 MB on average',
      bar: 0.4,
      ours: { ...streamer, targets },
      theirs: { ...nginx, targets: plain },
    });
  });

  it.each(SIZES.map(({ name }) => name))('cold segments of %s', async (size) => {
    const own = path.join(directory, `cold-${filmOf(size).name}`);
    const cold = await startBenchStreamer({ directory: own, storageRoot, env: NO_MEMORY_CACHE });
    try {
      const ours = { ...cold, targets: await openTargets(cold, size) };
      await expectBar({ name: `cold, ${size}`, bar: 0.4, ours, theirs: { ...nginx, targets: plainTargets(size) } });
    } finally {
      await cold.stop();
    }
  });
});

const has = (sample: string): boolean => existsSync(path.join(DEPLOY, sample));

describe.runIf(has(SAMPLES.accel.sample))('with X-Accel-Redirect, against nginx with auth_request', () => {
  it.each(['1 MB', '4 MB'])('%s', async (size) => {
    const ours = await startSample('accel', size);
    const nginx = kept(await startPlainNginx(path.join(directory, `nginx-accel-${filmOf(size).name}`), www, false));
    const theirs = { ...nginx, targets: plainTargets(size) };
    await expectBar({ name: `X-Accel-Redirect, ${size}`, bar: 0.9, ours, theirs });
  });
});

describe.runIf(has(SAMPLES.edge.sample))('with the edge endpoint, against nginx with a cached auth_request', () => {
  it.each(SIZES.map(({ name }) => name))('%s', async (size) => {
    const { streamer, ...front } = await startSample('edge', size);
    const crowd = await openSessions(streamer, filmOf(size), WARM_UP_SESSIONS);
    const warmUp = { targets: targetsOf(crowd), done: () => streamer.endSessions(crowd) };
    const ours = { ...front, warmUp };
    const nginx = kept(await startPlainNginx(path.join(directory, `nginx-edge-${filmOf(size).name}`), www, true));
    const theirs = {
      ...nginx,
      targets: plainViewers(size),
      warmUp: { targets: plainViewers(size, WARM_UP_SESSIONS) },
    };
    await expectBar({ name: `edge endpoint, ${size}`, bar: 0.95, ours, theirs, warmUpSeconds: EDGE_WARM_UP_SECONDS });
  });
});
