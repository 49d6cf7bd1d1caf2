import { execFile } from 'node:child_process';
import { copyFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StreamOutline, StreamPacket } from '../../../../streamer/src/packager/packet-run';
import {
  assetOf,
  BUNNY,
  type Counted,
  countingPackager,
  decodedPictures,
  ffmpeg,
  hasFfmpeg,
  makeScratch,
} from './film-fixture';

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=20'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100:duration=20'];
const AAC = ['-c:a', 'aac', '-b:a', '64k', '-ac', '2'];
const x264 = (...options: string[]) => [
  ...['-c:v', 'libx264', '-preset', 'fast', '-pix_fmt', 'yuv420p'],
  ...['-x264-params', ['keyint=50', 'scenecut=0', 'b-adapt=0', ...options].join(':')],
];
const FILM = [...PICTURE, ...SOUND, ...AAC, '-shortest'];

let scratch: Awaited<ReturnType<typeof makeScratch>>;
let counted: Counted;

const at = (name: string) => join(scratch.directory, name);
const run = promisify(execFile);

interface SourcePacket {
  ptsMs: number;
  /** NaN: ffprobe does not tell. */
  dtsMs: number;
  key: boolean;
  size: number;
}

/** What ffprobe says of a stream in decode order. */
async function probe(path: string, stream: 'v:0' | 'a:0'): Promise<SourcePacket[]> {
  const select = ['-select_streams', stream, '-show_entries', 'packet=pts_time,dts_time,size,flags'];
  const { stdout } = await run('ffprobe', ['-v', 'error', ...select, '-of', 'json', path], { maxBuffer: 2 ** 26 });
  const { packets } = JSON.parse(stdout) as { packets: Record<'pts_time' | 'dts_time' | 'size' | 'flags', string>[] };
  return packets.map(({ pts_time, dts_time, size, flags }) => ({
    ptsMs: Number(pts_time) * 1000,
    dtsMs: Number(dts_time) * 1000,
    key: flags.startsWith('K'),
    size: Number(size),
  }));
}

interface Streamed {
  outline: StreamOutline;
  runs: StreamPacket[][];
  video: StreamPacket[];
  audio: StreamPacket[];
}

async function stream(path: string): Promise<Streamed> {
  const { packager } = counted;
  const asset = assetOf({ source: path });
  const outline = await packager.streamOutline(asset);
  const runs: StreamPacket[][] = [];
  for (const index of outline.runStartsMs.keys()) runs.push((await packager.packetRun(asset, index))?.packets ?? []);
  expect(await packager.packetRun(asset, runs.length)).toBeNull();
  const only = (kind: string) => runs.flat().filter((packet) => packet.kind === kind);
  return { outline, runs, video: only('video'), audio: only('audio') };
}

const byDts = (one: StreamPacket, other: StreamPacket) => one.dtsMs - other.dtsMs;

/** Sorted in each run and, for each track, over all; from 0; nothing is decoded later than shown. */
function expectDecodable({ runs, video, audio, outline }: Streamed): void {
  for (const packets of [...runs, video, audio]) expect(packets).toEqual(packets.toSorted(byDts));
  const wrong = runs
    .flat()
    .filter(({ dtsMs, ptsMs }) => !Number.isInteger(dtsMs + ptsMs) || dtsMs < 0 || dtsMs > ptsMs);
  expect(wrong).toEqual([]);
  expect(outline.runStartsMs[0]).toBe(0);
  for (const [index, packets] of runs.entries()) {
    expect(packets.length).toBeGreaterThan(0);
    const first = packets.find(({ kind }) => kind === 'video');
    if (first) expect(first.key).toBe(true);
    const next = outline.runStartsMs[index + 1] ?? Number.POSITIVE_INFINITY;
    const outside = packets.filter(({ ptsMs }) => ptsMs < (outline.runStartsMs[index] ?? 0) || ptsMs >= next);
    expect(outside).toEqual([]);
  }
}

/** Every packet at the time the source has it, to the millisecond; `movedMs` is where 0 of the source lies. */
function expectTimesOf(packets: StreamPacket[], source: SourcePacket[], movedMs = 0, toleranceMs = 0.501): void {
  expect(packets.map(({ key }) => key)).toEqual(source.map(({ key }) => key));
  const errors = packets.map(({ ptsMs }, index) => Math.abs(ptsMs - (source[index]?.ptsMs ?? Number.NaN) - movedMs));
  expect(Math.max(...errors)).toBeLessThanOrEqual(toleranceMs);
}

/**
 * Decoded when the source is, or as much later as the source could be too: encoders may reserve more than they use. Before
 * 0 times rise by 1 ms.
 */
function expectDecodedAs(packets: StreamPacket[], source: SourcePacket[], movedMs = 0): void {
  const told = source.filter(({ dtsMs }) => !Number.isNaN(dtsMs));
  const reserveMs = Math.min(...told.map(({ ptsMs, dtsMs }) => ptsMs - dtsMs));
  const errors = packets.map(({ dtsMs }, index) => {
    const due = source[index]?.dtsMs ?? Number.NaN;
    return Number.isNaN(due) ? 0 : Math.abs(dtsMs - Math.max(due + reserveMs + movedMs, index));
  });
  expect(Math.max(...errors)).toBeLessThanOrEqual(0.501);
}

/** Length-prefixed pictures as a file of their own: what is in `description` must be enough to decode them. */
async function writeAnnexB({ outline, video }: Streamed, path: string): Promise<void> {
  const record = outline.video?.description ?? Buffer.alloc(0);
  const mark = Buffer.from([0, 0, 0, 1]);
  const parts: Buffer[] = [];
  const split = (bytes: Buffer, width: number, start: number, count = Number.POSITIVE_INFINITY): number => {
    let offset = start;
    for (let unit = 0; unit < count && offset < bytes.length; unit += 1) {
      const length = bytes.readUIntBE(offset, width);
      parts.push(mark, bytes.subarray(offset + width, offset + width + length));
      offset += width + length;
    }
    return offset;
  };
  // ISO/IEC 14496-15 §5.3.3.1: one or more SPS, then PPS.
  const afterSps = split(record, 2, 6, record.readUInt8(5) & 31);
  split(record, 2, afterSps + 1, record.readUInt8(afterSps));
  for (const { data } of video) split(data, (record.readUInt8(4) & 3) + 1, 0);
  await writeFile(path, Buffer.concat(parts));
}

describe.skipIf(!hasFfmpeg)('packet runs (needs ffmpeg)', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    scratch = await makeScratch();
    counted = countingPackager(scratch.directory);
    await ffmpeg(...FILM, ...x264('bframes=2'), at('plain.mp4'));
  }, 60_000);

  afterAll(async () => {
    await counted.packager.close();
    await scratch.remove();
  });

  it('of a real film have all 720 pictures and its sound at the times that ffprobe finds', async () => {
    const streamed = await stream(BUNNY);
    const [video, audio] = [await probe(BUNNY, 'v:0'), await probe(BUNNY, 'a:0')];
    const heard = audio.filter(({ ptsMs }) => ptsMs >= 0);
    expect(streamed.video).toHaveLength(720);
    expectDecodable(streamed);
    expectTimesOf(streamed.video, video);
    expectDecodedAs(streamed.video, video);
    expectTimesOf(streamed.audio, heard);
    expect(streamed.video.map(({ data }) => data.length)).toEqual(video.map(({ size }) => size));
    expect(streamed.audio.map(({ data }) => data.length)).toEqual(heard.map(({ size }) => size));
    // B-frames: the first picture but one is decoded before it could be by its time alone.
    expect(streamed.video.slice(0, 4).map(({ dtsMs }) => dtsMs)).toEqual([0, 1, 2, 42]);
  });

  it('are announced with what decodes them', async () => {
    const { outline } = await stream(BUNNY);
    expect(outline).toMatchObject({
      durationMs: 30_000,
      video: { codec: 'avc', width: 1920, height: 1080, frameRate: 24 },
      audio: { codec: 'aac', sampleRate: 48_000, channels: 6 },
    });
    // avcC version 1, High profile; AudioSpecificConfig: object type 2 (LC), 48 kHz.
    expect(outline.video?.description?.subarray(0, 2)).toEqual(Buffer.from([1, 100]));
    expect((outline.audio?.description?.readUInt16BE(0) ?? 0) >> 7).toBe((2 << 4) | 3);
    expect(outline.runStartsMs).toHaveLength((await stream(BUNNY)).runs.length);
  });

  it.each([
    ['no B-frames', 'b0.mp4', [...FILM, ...x264('bframes=0')]],
    ['B-frames without a pyramid', 'b2.mp4', [...FILM, ...x264('bframes=2', 'b-pyramid=none')]],
    ['a pyramid of eight B-frames', 'b8.mp4', [...FILM, ...x264('bframes=8', 'b-pyramid=normal')]],
    ['open groups', 'open.mp4', [...FILM, ...x264('open-gop=1', 'bframes=3')]],
    [
      '59.94 pictures a second',
      'ntsc.mp4',
      ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=60000/1001:duration=20', ...x264('bframes=3')],
    ],
    ['Matroska', 'film.mkv', [...FILM, ...x264('bframes=3')]],
    ['fragments', 'fragmented.mp4', [...FILM, ...x264('bframes=3'), '-movflags', 'frag_keyframe+empty_moov']],
    [
      'HEVC with open groups',
      'hevc.mp4',
      [
        ...[...FILM, '-c:v', 'libx265', '-preset', 'ultrafast'],
        ...['-x265-params', 'log-level=error:open-gop=1:keyint=50:bframes=4'],
      ],
    ],
  ])('%s: pictures are shown and decoded when the source says', async (_, name, args) => {
    await ffmpeg(...args, at(name));
    const streamed = await stream(at(name));
    const source = await probe(at(name), 'v:0');
    expectDecodable(streamed);
    expectTimesOf(streamed.video, source);
    expectDecodedAs(streamed.video, source);
  });

  it('variable frame rate keeps the time of every picture, and each is decoded in time', async () => {
    const drop = ['-vf', "select='mod(n+1,7)*mod(n+1,11)'", '-fps_mode', 'vfr'];
    await ffmpeg(...PICTURE, ...drop, ...x264('bframes=3'), at('vfr.mp4'));
    const streamed = await stream(at('vfr.mp4'));
    expectDecodable(streamed);
    expectTimesOf(streamed.video, await probe(at('vfr.mp4'), 'v:0'));
  });

  it('a picture that sets in after the sound starts in the first run', async () => {
    const inputs = ['-itsoffset', '0.5', '-i', at('plain.mp4'), '-i', at('plain.mp4')];
    await ffmpeg(...inputs, '-map', '0:v', '-map', '1:a', '-c', 'copy', at('late.mp4'));
    const streamed = await stream(at('late.mp4'));
    expectDecodable(streamed);
    expectTimesOf(streamed.video, await probe(at('late.mp4'), 'v:0'));
    expectTimesOf(
      streamed.audio,
      (await probe(at('late.mp4'), 'a:0')).filter(({ ptsMs }) => ptsMs >= 0),
    );
  });

  it('sound that outlasts the picture goes on in runs of its own', async () => {
    const inputs = ['-t', '7', '-i', at('plain.mp4'), '-i', at('plain.mp4')];
    await ffmpeg(...inputs, '-map', '0:v', '-map', '1:a', '-c', 'copy', at('outlasting.mp4'));
    const streamed = await stream(at('outlasting.mp4'));
    expectDecodable(streamed);
    const source = (await probe(at('outlasting.mp4'), 'a:0')).filter(({ ptsMs }) => ptsMs >= 0);
    expectTimesOf(streamed.audio, source);
    expect(streamed.runs.at(-1)?.some(({ kind }) => kind === 'video')).toBe(false);
    for (const [index, startMs] of streamed.outline.runStartsMs.slice(1).entries()) {
      expect(startMs - (streamed.outline.runStartsMs[index] ?? 0)).toBeLessThan(9_000);
    }
  });

  it.each([
    ['picture alone', ['-an'], { video: 500, audio: 0 }],
    ['sound alone', ['-vn'], { video: 0, audio: 862 }],
  ])('%s is a stream too', async (title, without, { video, audio }) => {
    const path = at(`${title}.mp4`);
    await ffmpeg('-i', at('plain.mp4'), ...without, '-c', 'copy', path);
    const streamed = await stream(path);
    expectDecodable(streamed);
    expect(streamed.video).toHaveLength(video);
    expect(Math.abs(streamed.audio.length - audio)).toBeLessThan(4);
    expect([streamed.outline.video === null, streamed.outline.audio === null]).toEqual([video === 0, audio === 0]);
  });

  it('a transport stream is rewritten to length-prefixed pictures and bare sound, which decode as the source', async () => {
    await ffmpeg('-i', at('plain.mp4'), '-c', 'copy', at('film.ts'));
    const streamed = await stream(at('film.ts'));
    const [video, audio] = [await probe(at('film.ts'), 'v:0'), await probe(at('film.ts'), 'a:0')];
    const startMs = Math.min(...[...video, ...audio].map(({ ptsMs }) => ptsMs));
    expectDecodable(streamed);
    expectTimesOf(streamed.video, video, -startMs);
    expectDecodedAs(streamed.video, video, -startMs);
    // ffprobe rounds the times of frames inside a PES packet in its own way.
    expectTimesOf(streamed.audio, audio, -startMs, 1);
    // ADTS headers are 7 bytes (ISO/IEC 13818-7 §6.2).
    expect(streamed.audio.map(({ data }) => data.length + 7)).toEqual(audio.map(({ size }) => size));
    expect(streamed.outline.audio?.description?.toString('hex').slice(0, 4)).toBe('1210');
    await writeAnnexB(streamed, at('rewritten.h264'));
    expect(await decodedPictures(at('rewritten.h264'))).toBe(await decodedPictures(at('film.ts')));
  });
});

describe('viewers of one run', { timeout: 60_000 }, () => {
  const asset = assetOf({ source: BUNNY });

  it('share what is read once, also while it is being read', async () => {
    const { directory, remove } = await makeScratch();
    const { packager } = countingPackager(directory);
    const runs = await Promise.all(Array.from({ length: 20 }, () => packager.packetRun(asset, 0)));
    expect(new Set(runs).size).toBe(1);
    expect((await packager.packetRun(asset, 0)) === runs[0]).toBe(true);
    await packager.close();
    await remove();
  });

  it('leave no more in memory than the cache may hold, together with segments', async () => {
    const { directory, remove } = await makeScratch();
    const { packager } = countingPackager(directory, { memoryCacheBytes: 8 * 1024 * 1024 });
    const first = await packager.packetRun(asset, 0);
    for (const number of [1, 2, 3]) await packager.segment(asset, 'source-v1', number);
    expect((await packager.packetRun(asset, 0)) === first).toBe(false);
    await packager.close();
    await remove();
  });

  it('of a film that is replaced get the new one', async () => {
    const { directory, remove } = await makeScratch();
    const path = join(directory, 'film.mp4');
    await copyFile(BUNNY, path);
    const film = assetOf({ source: path });
    const { packager, count } = countingPackager(directory, { memoryCacheBytes: 0 });
    await packager.packetRun(film, 0);
    await utimes(path, new Date(0), new Date(0));
    expect(await packager.packetRun(film, 0)).not.toBeNull();
    expect(count('film-outlined')).toBe(2);
    await packager.close();
    await remove();
  });

  it.each([-1, 0.5, Number.NaN, 99])('of run %d get null: there is none', async (index) => {
    const { directory, remove } = await makeScratch();
    const { packager } = countingPackager(directory);
    expect(await packager.packetRun(asset, index)).toBeNull();
    await packager.close();
    await remove();
  });
});
