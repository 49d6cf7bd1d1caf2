import { z } from 'zod';
import { ENCODER_CHOICES } from './encoders';

const MIB = 1024 ** 2;

/**
 * What one ingest worker needs to be trusted: its own derived credential. Printed by
 * `protected-vod secret print --role ingest`; it opens neither introspection nor sync (S1).
 */
export const ingestKeysSchema = z.object({ credential: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });

/** Everything an ingest worker is told at its start, over IPC or from its own configuration. */
export const ingestSettingsSchema = z.object({
  keys: ingestKeysSchema,
  /** Base address of the plugin's internal REST. */
  internalUrl: z.url(),
  /** What it calls itself when it asks for work; absent: it draws a name. */
  worker: z.uuid().optional(),
  storageRoot: z.string().min(1),
  /** Path of ffmpeg; absent: that of the PATH. */
  ffmpeg: z.string().min(1).optional(),
  /** How often an idle worker asks for work. */
  pollSeconds: z.number().positive().default(5),
  /** Of one run of ffmpeg. */
  maxMemoryBytes: z
    .number()
    .int()
    .min(256 * MIB)
    .default(1024 * MIB),
  /** Wall clock and processor, of one run of ffmpeg. */
  maxToolSeconds: z.number().int().min(10).default(3600),
  /** Larger pictures are not decoded: width × height. */
  maxPixels: z
    .number()
    .int()
    .positive()
    .default(8192 * 4320),
  /** Whether ffmpeg is run where not every layer around it holds. */
  confinement: z.enum(['required', 'best-effort']).default('best-effort'),
  /** `auto`: a graphics card makes the pictures of renditions, where one passes its test. */
  encoder: z.enum(ENCODER_CHOICES).default('software'),
  logLevel: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug']).default('info'),
});

/** Parent to child: `start` once, right after the fork; `wake`: there may be work. */
export const ingestParentMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), settings: ingestSettingsSchema }),
  z.object({ type: z.literal('wake') }),
]);

export type IngestSettings = z.infer<typeof ingestSettingsSchema>;
