import { z } from 'zod';
import { ENCODER_CHOICES, ENCODER_PRESETS, RUNG_HEIGHTS } from '../contracts';

const MIB = 1024 ** 2;

/** `ingest` of the site's configuration. */
export const ingestSchema = z
  .strictObject({
    mode: z
      .enum(['managed', 'external'])
      .default('managed')
      .describe('`managed`: Strapi runs an ingest worker. `external`: you run `protected-vod ingest`.'),
    ffmpeg: z
      .string()
      .min(1)
      .optional()
      .describe('Path of ffmpeg, relative to the app; default: the one on the `PATH`.'),
    maxMemoryBytes: z
      .number()
      .int()
      .min(256 * MIB)
      .default(1024 * MIB)
      .describe('Memory that one run of ffmpeg may have.'),
    maxToolSeconds: z.number().int().min(10).default(3600).describe('How long one run of ffmpeg may take.'),
    maxPixels: z
      .number()
      .int()
      .positive()
      .default(8192 * 4320)
      .describe('Larger pictures (width × height) are not decoded.'),
    confinement: z
      .enum(['required', 'best-effort'])
      .default('best-effort')
      .describe(
        '`required`: a worker that cannot fully confine ffmpeg takes no job. `best-effort`: it says so, and works.',
      ),
    encoder: z
      .enum(ENCODER_CHOICES)
      .default('software')
      .describe(
        '`software`: x264 makes renditions. `auto`: a graphics card does, where one passes its test; x264 where none does.',
      ),
    ladder: z
      .array(z.literal(RUNG_HEIGHTS))
      .default([720, 480, 360])
      .describe('Heights of the renditions that are made below each film; `[]`: none.'),
    maxRungHeight: z
      .number()
      .int()
      .min(144)
      .max(4320)
      .default(1080)
      .describe('No rendition is higher, not even of a film that cannot be watched without one.'),
    preset: z.enum(ENCODER_PRESETS).default('veryfast').describe('How long x264 takes to make renditions small.'),
    leaseSeconds: z
      .number()
      .int()
      .min(5)
      .max(3600)
      .default(60)
      .describe('Silence of a worker after which another one takes its job over.'),
    maxAttempts: z.number().int().min(1).max(100).default(5).describe('Failures after which a job is given up.'),
    retrySeconds: z
      .number()
      .positive()
      .default(30)
      .describe('Wait after the first failure; doubled with each further one, up to an hour.'),
    logLevel: z
      .enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug'])
      .default('info')
      .describe("Level of the worker's JSON log."),
  })
  .prefault({});
