import path from 'node:path';
import type { IngestReason } from '../../../../server/contracts';
import { IngestError } from '../ingest-error';
import type { Making } from '../kinds/maker';
import { inputOptions } from './film-input';
import { parseMetadata } from './film-metadata';
import { readToolFile } from './tool-file';

const FILE = 'sounds.txt';
const MAX_BYTES = 1024 * 1024;
const SECONDS = 60;
const NO_ANSWER: ReadonlySet<IngestReason> = new Set(['tool-failed', 'tool-timeout']);

type Run = Pick<Making, 'film' | 'tools' | 'scratch' | 'signal'>;

/**
 * What is written in a film about each of its tracks of sound, in order, by ffmpeg's names in lower case. Nothing is decoded.
 * Empty where ffmpeg cannot tell, or it is more than any names are: no film fails for that.
 */
export async function readSoundMetadata(run: Run, decoders: readonly string[]): Promise<ReadonlyMap<string, string>[]> {
  const { film, tools, scratch, signal } = run;
  const args = [
    ...[...inputOptions(film, decoders), '-map', '0:a?', '-c', 'copy', '-t', '0', '-map_metadata:g', '-1'],
    ...['-map_chapters', '-1', '-f', 'ffmetadata', `file:${FILE}`],
  ];
  try {
    await tools.ffmpeg({ args, cwd: scratch.work, seconds: SECONDS, fileBytes: MAX_BYTES, signal });
  } catch (error) {
    if (error instanceof IngestError && NO_ANSWER.has(error.reason)) return [];
    throw error;
  }
  const text = (await readToolFile(path.join(scratch.work, FILE), MAX_BYTES)) ?? '';
  return parseMetadata(text).flatMap(({ kind, values }) => (kind === 'stream' ? [values] : []));
}
