import { z } from 'zod';

const MIB = 1024 ** 2;

/** `inspection` of the configuration: what a film may ask for. */
export const inspectionSchema = z.strictObject({
  maxSidePixels: z
    .number()
    .int()
    .positive()
    .default(16_384)
    .describe('Largest width or height of a picture; a film beyond it is refused.'),
  maxDurationSeconds: z
    .number()
    .int()
    .min(1)
    .max(80 * 3600)
    .default(48 * 3600)
    .describe('The same for the length of a film.'),
  maxTracks: z.number().int().min(1).max(1000).default(64).describe('The same for the number of its tracks.'),
  maxSamples: z
    .number()
    .int()
    .min(1)
    .max(50_000_000)
    .default(3_000_000)
    .describe('The same for the pictures, or packets of sound, that one track lists.'),
  maxFrameRate: z.number().positive().default(480).describe('The same for pictures per second.'),
  timeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(600)
    .default(20)
    .describe('How long looking into a film may take; one that needs longer is refused.'),
  maxHeapBytes: z
    .number()
    .int()
    .min(64 * MIB)
    .default(512 * MIB)
    .describe('Memory that it may take, beside what is read at once; up to four films are looked into at one time.'),
});

/** What a film may ask of the machines that play it, and its inspection of this one. */
export const inspectionLimitsSchema = inspectionSchema.omit({ maxHeapBytes: true });

export type InspectionLimits = z.infer<typeof inspectionLimitsSchema>;
