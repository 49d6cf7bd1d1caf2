import { z } from 'zod';
import { encoderReportSchema } from './encoders';
import { assetIdSchema } from './ids';
import { INGEST_LAYERS } from './ingest';
import { streamerPortsSchema } from './streamer-process';

/** HTTP interface of the CLI: POST `/api/protected-vod/internal/operator/{status,restart,log,sessions,end,rotate-keys,retry-jobs}`, loopback only. */

const count = z.number().int().nonnegative();

export const processStatusSchema = z.object({
  name: z.string(),
  state: z.enum(['STOPPED', 'STARTING', 'RUNNING', 'BACKOFF', 'STOPPING', 'EXITED', 'FATAL']),
  pid: z.number().int().nullable(),
  uptimeSeconds: z.number().nullable(),
  restarts: count,
  lastEnd: z.string().nullable(),
});

/** A streamer as its syncs tell of it; of one that Strapi does not run, nothing else is known. */
export const syncedStreamerSchema = z.object({
  /** First digits of the id that each of its processes draws. */
  boot: z.string(),
  lastSyncSeconds: z.number().nonnegative(),
  /** Of the package that it runs from; null: it did not say. */
  version: z.string().nullable(),
});

/** An ingest worker that Strapi does not run and knows from its questions for work alone. */
export const externalWorkerSchema = z.object({ boot: z.string(), lastClaimSeconds: z.number().nonnegative() });

export const operatorStatusSchema = z.object({
  /** Of the package that this Strapi has loaded. */
  version: z.string(),
  /** Of the streamer. */
  mode: z.enum(['managed', 'external']),
  /** What this Strapi runs. */
  processes: z.array(processStatusSchema),
  /** Where the managed streamer serves now; null while it does not. */
  ports: streamerPortsSchema.nullable(),
  /** Those that have synced with this Strapi within ten minutes, the last to sync first. */
  streamers: z.array(syncedStreamerSchema),
  /** What Strapi does not run. */
  workers: z.array(externalWorkerSchema),
  /** What does not stand around ffmpeg at some worker that has asked this Strapi within ten minutes; null: none has told. */
  unconfined: z.array(z.enum(INGEST_LAYERS)).nullable().default(null),
  /** What workers that have asked this Strapi within ten minutes make renditions with, as far as they have told. */
  encoders: z.array(encoderReportSchema).default([]),
});

/** What Strapi runs, by the names of `processStatusSchema`. */
export const PROCESS_NAMES = ['streamer', 'ingest'] as const;

/** Absent: all of them. */
export const operatorRestartRequestSchema = z.object({ process: z.enum(PROCESS_NAMES).optional() });

/** Either the last lines, or those after one that is known. */
export const operatorLogRequestSchema = z.union([z.object({ last: count }), z.object({ after: count })]);

export const operatorLogSchema = z.object({ lines: z.array(z.object({ number: count, line: z.string() })) });

export const operatorSessionSchema = z.object({
  /** First digits of the session's hash, as in the streamer's log. */
  id: z.string(),
  /** Name of the user, or what else the session's right comes from. */
  viewer: z.string(),
  role: z.string().nullable(),
  /** Its title, or the documentId of a video that is no longer published. */
  video: z.string(),
  clientPrefix: z.string(),
  startedAt: z.iso.datetime(),
  idleSeconds: z.number().nonnegative(),
  bytes: count,
});

export const operatorSessionsSchema = z.object({ sessions: z.array(operatorSessionSchema) });

export const operatorEndRequestSchema = z.object({ id: z.string().regex(/^[0-9a-f]{6,64}$/) });

/** Absent: the plugin's default. */
export const operatorRotateRequestSchema = z.object({ overlapSeconds: count.optional() });

export const operatorRotationSchema = z.object({
  /** Of the key that will sign. */
  kid: z.string(),
  signsInSeconds: count,
  /** How long tokens of the keys before are good after that. */
  overlapSeconds: z.number().nonnegative(),
});

/** Absent: of all films. */
export const operatorRetryRequestSchema = z.object({ asset: assetIdSchema.optional() });

export const operatorRetriedSchema = z.object({ jobs: count });

export const operatorDoneSchema = z.object({ done: z.literal(true) });

export type OperatorStatus = z.infer<typeof operatorStatusSchema>;
export type OperatorSession = z.infer<typeof operatorSessionSchema>;
export type ExternalWorker = z.infer<typeof externalWorkerSchema>;
export type ProcessName = (typeof PROCESS_NAMES)[number];
/** A streamer that has not synced for longer is taken for gone. */
export const ALIVE_WITHIN_SECONDS = 15;

export type SyncedStreamer = z.infer<typeof syncedStreamerSchema>;
