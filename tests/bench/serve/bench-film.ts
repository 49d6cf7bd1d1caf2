import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Grant } from '../../../server/contracts';
import { ffmpeg } from '../../support/tools';

export const SEGMENT_SECONDS = 6;

/** A film that is cut into `segments` pieces of about `segmentBytes`. */
export interface BenchFilm {
  name: string;
  segments: number;
  asset: Grant['asset'];
  file: string;
}

const KEY_INTERVAL_FRAMES = 50;

/** Filler makes up what the picture does not need, so all segments are of nearly the same size. */
async function encode(file: string, seconds: number, bitsPerSecond: number): Promise<void> {
  const rate = String(Math.round(bitsPerSecond));
  const keys = ['-g', String(KEY_INTERVAL_FRAMES), '-keyint_min', String(KEY_INTERVAL_FRAMES), '-sc_threshold', '0'];
  const steady = ['-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', rate];
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25', '-t', String(seconds)];
  const codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-x264-params'];
  await ffmpeg(...picture, ...codec, 'nal-hrd=cbr:filler=1:force-cfr=1', ...keys, ...steady, '-y', file);
}

export interface FilmOrder {
  name: string;
  segmentBytes: number;
  segments: number;
}

/** Makes the film below `storageRoot`. */
export async function makeBenchFilm(storageRoot: string, order: FilmOrder): Promise<BenchFilm> {
  const { name, segmentBytes, segments } = order;
  const storageKey = `films/${name}.mp4`;
  const file = path.join(storageRoot, storageKey);
  await mkdir(path.dirname(file), { recursive: true });
  await encode(file, segments * SEGMENT_SECONDS, (segmentBytes * 8) / SEGMENT_SECONDS);
  const rendition = { id: 'source', storageKey, sizeBytes: (await stat(file)).size };
  const asset = {
    id: `asset${name}`,
    contentVersion: `version-${name}`,
    fileName: `${name}.mp4`,
    mime: 'video/mp4',
    durationSeconds: segments * SEGMENT_SECONDS,
    renditions: [rendition],
  };
  return { name, segments, asset, file };
}
