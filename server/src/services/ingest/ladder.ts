import {
  maxPictureBits,
  RUNG_HEIGHTS,
  type RungHeight,
  type RungKind,
  type RungOrder,
  rungKindOf,
  SOUND_BITS,
} from '../../../contracts';
import type { PluginConfig } from '../../config';
import type { Asset } from '../asset';
import { isSourcePlayed } from '../asset-judgement';
import { shortSideOf } from '../picture-size';

export type LadderSettings = Pick<PluginConfig['ingest'], 'ladder' | 'maxRungHeight' | 'preset'>;
export type LadderFilm = Pick<Asset, 'tracks' | 'verdict' | 'sizeBytes' | 'durationSeconds'>;

/** One that is nearly as high as the next saves next to nothing. */
const MAX_HEIGHT_RATIO = 0.85;
/** The same of bits per second. */
const MAX_RATE_RATIO = 0.7;
/** Encoders need fewer bits for each pixel the more there are. */
const RATE_EXPONENT = 1.5;

/** What a rung will take, as far as the source tells: a film that is simple at full height is simple below. */
function expectedBits(height: number, source: { height: number; bits: number }): number {
  const picture = Math.max(source.bits - SOUND_BITS, source.bits / 2);
  return Math.min(maxPictureBits(height), picture * (height / source.height) ** RATE_EXPONENT) + SOUND_BITS;
}

export const needsConversion = ({ verdict }: Pick<LadderFilm, 'verdict'>): boolean => verdict === 'transcode-first';

/** Heights of the rungs below a film, lowest first; `[]`: it needs none. */
export function rungsBelow(film: LadderFilm, { ladder, maxRungHeight }: LadderSettings): RungHeight[] {
  const shortSide = shortSideOf(film.tracks);
  if (shortSide === null || !(isSourcePlayed(film) || needsConversion(film))) return [];
  const { sizeBytes, durationSeconds } = film;
  const bits = durationSeconds > 0 ? (sizeBytes * 8) / durationSeconds : Number.POSITIVE_INFINITY;
  // What has to be converted says nothing of what H.264 would take.
  const saves = (height: number) =>
    needsConversion(film) || expectedBits(height, { height: shortSide, bits }) <= bits * MAX_RATE_RATIO;
  let above = needsConversion(film) ? Math.min(shortSide, maxRungHeight) : shortSide;
  const chosen: RungHeight[] = [];
  for (const height of RUNG_HEIGHTS.toReversed()) {
    if (!ladder.includes(height) || height > maxRungHeight || height > above * MAX_HEIGHT_RATIO) continue;
    if (!saves(height)) continue;
    chosen.unshift(height);
    above = height;
  }
  return chosen;
}

/** Kinds of the jobs that make the renditions of a film. */
export function rungKindsOf(film: LadderFilm, settings: LadderSettings): RungKind[] {
  const below = rungsBelow(film, settings).flatMap((height) => rungKindOf(`rung-${height}`) ?? []);
  return needsConversion(film) ? ['rung-full', ...below] : below;
}

/** Of a kind that makes a rendition; null: of any other. */
export function rungOrderOf(kind: string, film: LadderFilm, settings: LadderSettings): RungOrder | null {
  if (rungKindOf(kind) === null) return null;
  const { maxRungHeight, preset } = settings;
  const wanted = RUNG_HEIGHTS.find((height) => kind === `rung-${height}`) ?? maxRungHeight;
  const height = Math.min(wanted, shortSideOf(film.tracks) ?? wanted);
  return { height: Math.max(16, height), followsSource: isSourcePlayed(film), preset };
}
