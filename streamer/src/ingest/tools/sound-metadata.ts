import path from 'node:path';
import type { Making } from '../kinds/maker';
import { inputOptions } from './film-input';
import { parseMetadata } from './film-metadata';
import { readToolFile } from './tool-file';

const FILE = 'sounds.txt';
const MAX_BYTES = 1024 * 1024;
const SECONDS = 60;

type Run = Pick<Making, 'film' | 'tools' | 'scratch' | 'signal'>;

/** What is written in a film about each of its tracks of sound, in order, by ffmpeg's names in lower case. Nothing is decoded. */
export async function readSoundMetadata(run: Run, decoders: readonly string[]): Promise<ReadonlyMap<string, string>[]> {
  const { film, tools, scratch, signal } = run;
  const args = [
    ...[...inputOptions(film, decoders), '-map', '0:a?', '-c', 'copy', '-t', '0'],
    ...['-map_chapters', '-1', '-f', 'ffmetadata', `file:${FILE}`],
  ];
  await tools.ffmpeg({ args, cwd: scratch.work, seconds: SECONDS, fileBytes: MAX_BYTES, signal });
  const text = (await readToolFile(path.join(scratch.work, FILE), MAX_BYTES)) ?? '';
  return parseMetadata(text).flatMap(({ kind, values }) => (kind === 'stream' ? [values] : []));
}
