import { z } from 'zod';

/** Heights that a ladder can have. Of a picture that stands upright it is the width: always the shorter side. */
export const RUNG_HEIGHTS = [240, 360, 480, 540, 720, 1080] as const;

/** What one job of the ladder makes; `rung-full`: of a film that cannot be delivered as it is, all of its height. */
export const RUNG_KINDS = [
  'rung-full',
  'rung-240',
  'rung-360',
  'rung-480',
  'rung-540',
  'rung-720',
  'rung-1080',
] as const;

/** x264's own names, fastest first. */
export const ENCODER_PRESETS = ['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow'] as const;

export type RungHeight = (typeof RUNG_HEIGHTS)[number];
export type RungKind = (typeof RUNG_KINDS)[number];

/** How one rendition is to be made; goes with the job. */
export const rungOrderSchema = z.object({
  /** Of the shorter side of its picture, at most. Never more than the source has. */
  height: z.number().int().min(16).max(4320),
  /** Whether viewers may get the source itself: then players switch between the two, and it is cut where that is cut. */
  followsSource: z.boolean(),
  preset: z.enum(ENCODER_PRESETS),
});

export type RungOrder = z.infer<typeof rungOrderSchema>;

export function rungKindOf(kind: string): RungKind | null {
  return RUNG_KINDS.find((known) => known === kind) ?? null;
}

/** What the picture of a rung may take at its dearest: 0.8 Mbit/s at 360, 2.8 at 720, 5.8 at 1080. */
export function maxPictureBits(height: number): number {
  return Math.round(800_000 * (height / 360) ** 1.8);
}

/** Of each track of sound in a rung. */
export const SOUND_BITS = 128_000;
