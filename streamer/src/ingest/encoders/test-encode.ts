import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { maxPictureBits } from '../../../../server/contracts';
import { IngestError } from '../ingest-error';
import { readToolFile } from '../tools/tool-file';
import type { Toolbox } from '../tools/toolbox';
import type { PictureEncoder } from './encoder';
import { checkMadePictures, listPicturesIn } from './made-pictures';

const HEIGHT = 360;
const PICTURES = 10;
const KEYS_SECONDS = [0, 0.2];
const SAMPLE = ['-f', 'lavfi', '-i', `testsrc2=size=640x${HEIGHT}:rate=25:duration=${PICTURES / 25}`];
const [MADE, LIST, LIKENESS] = ['made.mp4', 'given.txt', 'likeness.txt'];
/** Of each picture (SSIM, 1: the same); x264 has 0.997 of these. */
const LEAST_LIKENESS = 0.95;
const LIMITS = { seconds: 20, fileBytes: 16 * 1024 * 1024 };
const MAX_LIKENESS_BYTES = 64 * 1024;

/** What was made is decoded again, and compared with what was given. */
async function checkLikeness(tools: Toolbox, cwd: string, signal: AbortSignal): Promise<void> {
  const compare = `[0:v][1:v]ssim=stats_file=${LIKENESS}`;
  const args = ['-i', `file:${MADE}`, ...SAMPLE, '-lavfi', compare, '-f', 'null', '-'];
  await tools.ffmpeg({ args, cwd, ...LIMITS, signal });
  const text = (await readToolFile(path.join(cwd, LIKENESS), MAX_LIKENESS_BYTES)) ?? '';
  const shares = [...text.matchAll(/ All:(\S+)/g)].map(([, share]) => Number(share));
  if (shares.length === PICTURES && shares.every((share) => share >= LEAST_LIKENESS)) return;
  throw new IllLikeness(`pictures are alike by ${shares.join(', ')}`);
}

export class IllLikeness extends IngestError {
  constructor(detail: string) {
    super('output-invalid', detail);
  }
}

/**
 * Encodes some pictures for real, with all that a rendition needs: encoders are listed by ffmpeg on machines that have no
 * such device. `area`: a directory to work in. Throws `IngestError`; `IllLikeness` where it works, and spoils the pictures.
 */
export async function testEncode(tools: Toolbox, encoder: PictureEncoder, area: string): Promise<void> {
  const cwd = await mkdtemp(path.join(area, 'encoder-'));
  const { signal } = new AbortController();
  const coding = { preset: 'veryfast', bits: maxPictureBits(HEIGHT), keysSeconds: KEYS_SECONDS } as const;
  const filters = ['format=yuv420p', ...listPicturesIn(LIST), ...encoder.handOver].join(',');
  const args = [
    ...[...encoder.opening, ...SAMPLE, '-vf', filters, '-fps_mode', 'passthrough', ...encoder.options(coding)],
    ...['-f', 'mp4', `file:${MADE}`],
  ];
  try {
    await tools.ffmpeg({ args, cwd, ...LIMITS, signal, hardware: encoder.hardware });
    await checkMadePictures(path.join(cwd, MADE), path.join(cwd, LIST), coding);
    await checkLikeness(tools, cwd, signal);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
