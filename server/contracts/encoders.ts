import { z } from 'zod';

/** x264, which is there wherever ffmpeg is: what all others are measured by. */
export const SOFTWARE_ENCODER = 'libx264';

/** Encoders of graphics cards that are tried, in this order, as ffmpeg calls them: NVIDIA's; Intel's and AMD's. */
export const HARDWARE_ENCODERS = ['h264_nvenc', 'h264_vaapi'] as const;

export const ENCODER_NAMES = [SOFTWARE_ENCODER, ...HARDWARE_ENCODERS] as const;

export const ENCODER_CHOICES = ['software', 'auto'] as const;

/** Why an encoder is not used. The codes are stable. */
export const ENCODER_REFUSALS = {
  'not-built-in': 'this ffmpeg was built without it',
  'no-device': 'its test failed, and there is no device for it',
  'test-failed': 'its test failed; the worker’s log tells what ffmpeg said',
  'picture-differs': 'what it made in its test does not look like what it was given',
  'failed-at-work': 'it passed its test, and failed with films again and again',
} as const;

export type HardwareEncoder = (typeof HARDWARE_ENCODERS)[number];
export type EncoderName = (typeof ENCODER_NAMES)[number];
export type EncoderChoice = (typeof ENCODER_CHOICES)[number];
export type EncoderRefusal = keyof typeof ENCODER_REFUSALS;

const refusalSchema = z.enum(Object.keys(ENCODER_REFUSALS) as [EncoderRefusal, ...EncoderRefusal[]]);

/** What a worker makes the pictures of renditions with, and why with nothing faster. */
export const encoderReportSchema = z.object({
  used: z.enum(ENCODER_NAMES),
  refused: z.array(z.object({ encoder: z.enum(HARDWARE_ENCODERS), why: refusalSchema })).max(HARDWARE_ENCODERS.length),
});

export type EncoderReport = z.infer<typeof encoderReportSchema>;
