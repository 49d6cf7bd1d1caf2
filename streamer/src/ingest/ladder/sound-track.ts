import path from 'node:path';
import { SOUND_BITS } from '../../../../server/contracts';
import type { Making } from '../kinds/maker';
import { type FilmInput, inputOptions, mendingOptions, timeOptions } from '../tools/film-input';
import type { SoundTrack } from './rung-plan';

const SAMPLE_RATE = 48_000;
const CHANNELS = 2;
const MARGIN_SECONDS = 0.0004;
const BASE_SECONDS = 120;
const SLACK_BYTES = 16 * 1024 * 1024;

export function soundRecipe({ hasMendedTimes }: FilmInput, { index, startSeconds }: SoundTrack) {
  const recipe = { index, startSeconds, bits: SOUND_BITS, rate: SAMPLE_RATE, channels: CHANNELS };
  return hasMendedTimes ? { ...recipe, times: 'mended' } : recipe;
}

/** From its first sound on, which becomes 0; what is missing in between becomes silence. */
function filtersFor({ startSeconds }: SoundTrack): string {
  return [
    `atrim=start=${(startSeconds - MARGIN_SECONDS).toFixed(6)}`,
    `asetpts='PTS-${startSeconds.toFixed(9)}/TB'`,
    `aresample=${SAMPLE_RATE}:async=1:first_pts=0`,
  ].join(',');
}

export interface SoundEncoding {
  making: Making;
  decoders: readonly string[];
  endSeconds: number;
}

/** Encodes a whole track of sound to `file`, as AAC in stereo. Throws as `runTool` does. */
export async function encodeSound({ making, decoders, endSeconds }: SoundEncoding, sound: SoundTrack, file: string) {
  const { film, tools, scratch, signal } = making;
  const filmSeconds = Math.max(0, endSeconds - sound.startSeconds);
  const args = [
    ...[...timeOptions(film), ...inputOptions(film, decoders)],
    ...['-map', `0:a:${sound.index}`, '-vn', '-sn', '-dn'],
    ...['-af', filtersFor(sound), '-ac', String(CHANNELS), '-c:a', 'aac', '-b:a', String(SOUND_BITS)],
    ...['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'],
    ...['-f', 'mp4', `file:${path.basename(file)}`],
    ...mendingOptions(film),
  ];
  const fileBytes = SLACK_BYTES + Math.ceil((SOUND_BITS / 8) * (filmSeconds + 3600) * 2);
  await tools.ffmpeg({ args, cwd: scratch.work, seconds: BASE_SECONDS + filmSeconds, fileBytes, signal });
}
