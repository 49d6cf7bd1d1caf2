import { z } from 'zod';
import { assetIdSchema } from './ids';
import { derivedNameSchema, INGEST_REASON_CODES } from './ingest';
import { VERDICTS } from './verdict';

/** Where a stored film is in its life; see the asset's content type. */
export const ASSET_STATES = ['ready', 'replaced', 'trashed'] as const;

export type AssetState = (typeof ASSET_STATES)[number];

/** Where a job of the ingest worker is in its life. */
export const JOB_STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;

export const assetJobSchema = z.object({
  /** `poster`, `storyboard`, `texts`, `waveform`; more to come. */
  kind: z.string(),
  state: z.enum(JOB_STATES),
  /** Why it failed last, why nobody begins, or what was left out; null: nothing stands in its way. */
  reason: z.enum(INGEST_REASON_CODES).nullable(),
  /** The same in words. */
  sentence: z.string().nullable(),
  /** 0 to 1. */
  progress: z.number(),
  attempts: z.number().int().nonnegative(),
  failures: z.number().int().nonnegative(),
});

/** One stored film as administrators are told of it. */
export const assetEntrySchema = z.object({
  id: assetIdSchema,
  state: z.enum(ASSET_STATES),
  /** Why it is in that state, where somebody said so. */
  reason: z.string().nullable(),
  fileName: z.string(),
  mime: z.string(),
  sizeBytes: z.number().int().nonnegative(),
  /** 0: not known before it is transcoded. */
  durationSeconds: z.number().nonnegative(),
  tracks: z.array(
    z.object({
      kind: z.string(),
      codec: z.string(),
      language: z.string(),
      /** Of the picture as it is shown, in pixels. */
      width: z.number().int().exactOptional(),
      height: z.number().int().exactOptional(),
    }),
  ),
  /** Null: not judged yet, and not played until it is. */
  verdict: z.enum(VERDICTS).nullable(),
  /** One of `VERDICT_REASONS`; of a film that was stored before and is refused now, a `film-…` code. */
  verdictReason: z.string().nullable(),
  verdictSentence: z.string().nullable(),
  /** What was made of it and is there. */
  made: z.array(derivedNameSchema),
  /** What is to be made of it, or was. */
  jobs: z.array(assetJobSchema),
});

/** Of `GET /protected-vod/assets/:documentId`: the assets behind a video, a Media Library file, or the asset itself. */
export const assetsSchema = z.object({ data: z.array(assetEntrySchema) });

/** What the answer to an upload says of each protected film, under `protectedVod`. */
export const uploadedFilmSchema = assetEntrySchema
  .pick({ verdict: true, verdictReason: true, verdictSentence: true })
  .extend({ assetId: assetIdSchema });

export type AssetEntry = z.infer<typeof assetEntrySchema>;
export type UploadedFilm = z.infer<typeof uploadedFilmSchema>;
