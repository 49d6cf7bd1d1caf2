import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { IngestError } from '../ingest-error';
import { ALL_DECODERS, inputOptions, soundDecodersOf } from '../tools/film-input';
import type { Maker, Making } from './maker';
import { drawnSeconds, formatWaveform, parsePeaks, SAMPLE_RATE, samplesPerPair } from './waveform-peaks';

const NAME = 'waveform.json';
const BASE_SECONDS = 120;
const SECONDS_PER_FILM_SECOND = 0.5;
const MAX_BYTES = 1024 * 1024;

/** Metadata is deleted first, so that nothing of the film's own can stand among what is printed. */
function filtersFor(samples: number): string {
  return [
    `aresample=${SAMPLE_RATE}`,
    'aformat=sample_fmts=flt:channel_layouts=mono',
    `asetnsamples=n=${samples}:p=0`,
    'ametadata=mode=delete',
    'astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=Min_level+Max_level',
    'ametadata=mode=print:file=-',
  ].join(',');
}

/** Throws `no-sound` or `source-refused`. */
async function openSound({ film, tools, scratch, signal }: Making): Promise<readonly string[]> {
  const probe = await tools.probe(film, ALL_DECODERS, { cwd: scratch.work, signal });
  const sound = probe.find(({ kind }) => kind === 'audio');
  if (!sound) throw new IngestError('no-sound', 'there is no sound');
  const decoders = soundDecodersOf(sound.codec);
  if (decoders === null) throw new IngestError('source-refused', `the codec ${sound.codec} is not decoded here`);
  return decoders;
}

/** The peaks of the first sound, for the place of a picture that the film does not have. */
export const makeWaveform: Maker = async (making) => {
  const { film, durationSeconds, scratch, tools, signal } = making;
  const decoders = await openSound(making);
  const samples = samplesPerPair(durationSeconds);
  const args = [
    ...inputOptions(film, decoders),
    ...['-t', drawnSeconds(durationSeconds).toFixed(3), '-map', '0:a:0', '-vn', '-sn', '-dn'],
    ...['-af', filtersFor(samples), '-f', 'null', '-'],
  ];
  const seconds = BASE_SECONDS + durationSeconds * SECONDS_PER_FILM_SECOND;
  const data = parsePeaks(await tools.ffmpeg({ args, cwd: scratch.work, seconds, fileBytes: MAX_BYTES, signal }));
  if (data.length === 0) throw new IngestError('tool-failed', 'no sound could be decoded');
  const file = path.join(scratch.work, NAME);
  await writeFile(file, formatWaveform(data, samples), { flag: 'wx' });
  return new Map([[NAME, file]]);
};
