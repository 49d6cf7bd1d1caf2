import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ALL_FORMATS, EncodedPacketSink, FilePathSource, Input } from 'mediabunny';
import type { GrantedAsset } from '../../../../server/contracts';
import {
  createPackager,
  type Packager,
  type PackagerEvent,
  type PackagerOptions,
} from '../../../../streamer/src/packager/packager';
import { CLIP_PATH } from '../../../support/clips';
import { compiledPackagerThread } from '../../../support/packager-thread';

export const hasFfmpeg = ['ffmpeg', 'ffprobe'].every((tool) => spawnSync(tool, ['-version']).status === 0);

/** 30 s, 720 pictures, 5.1 AAC. */
export const BUNNY = CLIP_PATH;
export const BUNNY_SECONDS = 30;

const run = promisify(execFile);

export async function ffmpeg(...args: string[]): Promise<string> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** MD5 of every decoded picture in order. */
export function decodedPictures(path: string): Promise<string> {
  return ffmpeg('-i', path, '-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'md5', '-');
}

export async function countPackets(path: string, stream: string): Promise<number> {
  const select = ['-select_streams', stream, '-count_packets', '-show_entries', 'stream=nb_read_packets'];
  const { stdout } = await run('ffprobe', ['-v', 'error', ...select, '-of', 'csv=p=0', path]);
  return Number.parseInt(stdout, 10);
}

export interface PacketTime {
  timestamp: number;
  byteLength: number;
}

/** What a demuxer finds in a file, in decode order. `ordinal` counts the tracks of the kind from 0. */
export async function listPackets(path: string, kind: 'video' | 'audio', ordinal = 0): Promise<PacketTime[]> {
  using input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) });
  const tracks = kind === 'video' ? await input.getVideoTracks() : await input.getAudioTracks();
  const track = tracks[ordinal];
  if (!track) throw new Error(`no ${kind} track ${ordinal}`);
  const packets = [];
  for await (const { timestamp, byteLength } of new EncodedPacketSink(track).packets(undefined, undefined, {
    metadataOnly: true,
  })) {
    packets.push({ timestamp, byteLength });
  }
  return packets;
}

export async function makeScratch(): Promise<{ directory: string; remove: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'packager-'));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** An asset whose storage keys are file names. */
export function assetOf(renditions: Record<string, string>, contentVersion = 'version-1'): GrantedAsset {
  return {
    id: 'asset1',
    contentVersion,
    fileName: 'film.mp4',
    mime: 'video/mp4',
    durationSeconds: 0,
    renditions: Object.entries(renditions).map(([id, storageKey]) => ({ id, storageKey, sizeBytes: 0 })),
  };
}

export interface Counted {
  packager: Packager;
  count: (event: PackagerEvent) => number;
}

/** A packager whose storage keys are real paths, with its events counted. */
export function countingPackager(cacheDir: string, options: Partial<PackagerOptions> = {}): Counted {
  const events: PackagerEvent[] = [];
  const packager = createPackager({
    memoryCacheBytes: 64 * 1024 * 1024,
    diskCacheBytes: 0,
    cacheDir,
    threads: { entry: compiledPackagerThread(), count: 1 },
    resolve: async (storageKey) => storageKey,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { packager, count: (event) => events.filter((seen) => seen === event).length };
}

/** Everything a player would fetch of one track, in one file. */
export async function joinTrack(packager: Packager, asset: GrantedAsset, trackId: string, path: string): Promise<void> {
  const { tracks } = await packager.presentation(asset);
  const parts = [(await packager.initSegment(asset, trackId))?.bytes ?? Buffer.alloc(0)];
  const segments = tracks.find(({ id }) => id === trackId)?.segments ?? [];
  for (const index of segments.keys()) {
    parts.push((await packager.segment(asset, trackId, index + 1))?.bytes ?? Buffer.alloc(0));
  }
  await writeFile(path, Buffer.concat(parts));
}

export async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size;
}
