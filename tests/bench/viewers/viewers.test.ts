import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FFMPEG, NGINX } from '../../support/tools';
import { compileLoad, type Load, type LoadResult } from '../load/load';
import { cpuSecondsOf, memoryMbOf } from '../machine';
import { type BenchFilm, makeBenchFilm, SEGMENT_SECONDS } from '../serve/bench-film';
import { type BenchServer, startPlainNginx } from '../serve/bench-nginx';
import { type BenchStreamer, segmentPath, startBenchStreamer } from '../serve/bench-streamer';

const VIEWERS = 1000;
const FILMS = 20;
const SEGMENTS = 5;
const SECONDS = 30;
const BITS_PER_SECOND = 2_500_000;
const SEGMENT_BYTES = (BITS_PER_SECOND * SEGMENT_SECONDS) / 8;
/** All segments, as the issue of a busy evening would have it: 20 × 5 × 1.9 MB. */
const ENV = { PROTECTED_VOD_MEMORY_CACHE_BYTES: String(256 * 1024 * 1024) };

let directory: string;
let www: string;
let load: Load;
let streamer: BenchStreamer;
let nginx: BenchServer;
const films: BenchFilm[] = [];
const numbers = Array.from({ length: SEGMENTS }, (_, index) => index + 1);

/** The same pictures under twenty names are twenty films to every cache. */
async function makeFilms(storageRoot: string): Promise<void> {
  const first = await makeBenchFilm(storageRoot, { name: 'film0', segmentBytes: SEGMENT_BYTES, segments: SEGMENTS });
  for (let at = 0; at < FILMS; at += 1) {
    const storageKey = `films/film${at}.mp4`;
    const file = path.join(storageRoot, storageKey);
    if (at > 0) await copyFile(first.file, file);
    const [rendition] = first.asset.renditions;
    const renditions = rendition === undefined ? [] : [{ ...rendition, storageKey }];
    films.push({ ...first, name: `film${at}`, file, asset: { ...first.asset, id: `asset${at}`, renditions } });
  }
}

/** Cuts every segment, so that nobody has to wait for it, and gives nginx the very bytes. */
async function warm(): Promise<void> {
  for (const film of films) {
    const session = await streamer.openSession(film);
    await mkdir(path.join(www, film.name), { recursive: true });
    for (const number of numbers) {
      const answer = await fetch(`http://127.0.0.1:${streamer.port}${segmentPath(session, number)}`);
      expect(answer.status).toBe(200);
      await writeFile(path.join(www, film.name, `${number}.m4s`), Buffer.from(await answer.arrayBuffer()));
    }
  }
}

type Server = Pick<BenchServer, 'port' | 'pids'>;

interface Measured extends LoadResult {
  cpuSeconds: number;
  memoryMb: number;
}

async function measure({ port, pids }: Server, viewers: string[][]): Promise<Measured> {
  const members = pids();
  const before = cpuSecondsOf(members);
  const result = await load.watch(port, SECONDS, SEGMENT_SECONDS * 1000, viewers);
  return { ...result, cpuSeconds: cpuSecondsOf(members) - before, memoryMb: memoryMbOf(pids()) };
}

function print(name: string, { answers, late, refused, broken, cpuSeconds, memoryMb, p50Ms, p99Ms, maxMs }: Measured) {
  const cpu = `CPU ${((cpuSeconds / SECONDS) * 100).toFixed(1)} % of a core, ${((cpuSeconds * 1000) / VIEWERS).toFixed(2)} ms a viewer`;
  const memory = `memory ${memoryMb.toFixed(0)} MB, ${((memoryMb * 1024) / VIEWERS).toFixed(0)} KB a viewer`;
  const times = `p50 ${p50Ms} ms, p99 ${p99Ms} ms, longest ${maxMs} ms`;
  const faults = `${late} late, ${refused} refused, ${broken} broken`;
  console.log(`${name.padEnd(22)} ${answers} segments, ${faults}; ${cpu}; ${memory}; ${times}`);
}

beforeAll(async () => {
  if (!NGINX || !FFMPEG) throw new Error('nginx and ffmpeg are needed');
  directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-bench-'));
  www = path.join(directory, 'www');
  const storageRoot = path.join(directory, 'storage');
  load = compileLoad(directory);
  await makeFilms(storageRoot);
  streamer = await startBenchStreamer({ directory: path.join(directory, 'streamer'), storageRoot, env: ENV });
  nginx = await startPlainNginx(path.join(directory, 'nginx'), www, false);
  await warm();
});

afterAll(async () => {
  await streamer?.stop();
  await nginx?.stop();
  await rm(directory, { recursive: true, force: true });
});

it(`${VIEWERS} viewers at ${BITS_PER_SECOND / 1_000_000} Mbit/s get every segment in time from one core`, async () => {
  const watched = Array.from({ length: VIEWERS }, (_, at) => films[at % FILMS]).filter((film) => film !== undefined);
  const sessions = await Promise.all(watched.map((film) => streamer.openSession(film)));
  const paths = sessions.map((session) => numbers.map((number) => segmentPath(session, number)));
  const plain = watched.map((film) => numbers.map((number) => `/${film.name}/${number}.m4s`));
  const ours = await measure(streamer, paths);
  const theirs = await measure(nginx, plain);
  const alone = { ...ours, memoryMb: memoryMbOf(streamer.streamerPids()) };
  print('streamer and plugin', alone);
  print('nginx, auth_request', theirs);
  expect(ours).toMatchObject({ late: 0, refused: 0, broken: 0 });
  expect(ours.answers).toBeGreaterThan((VIEWERS * (SECONDS - SEGMENT_SECONDS)) / SEGMENT_SECONDS - 1);
});
