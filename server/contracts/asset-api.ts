import { z } from 'zod';
import { assetIdSchema } from './ids';
import { derivedNameSchema, INGEST_REASON_CODES } from './ingest';

export const assetJobSchema = z.object({
  /** `poster`, `storyboard`; more to come. */
  kind: z.string(),
  state: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
  /** Why it failed last, or why nobody begins; null: nothing stands in its way. */
  reason: z.enum(INGEST_REASON_CODES).nullable(),
  /** The same in words. */
  sentence: z.string().nullable(),
  /** 0 to 1. */
  progress: z.number(),
  attempts: z.number().int().nonnegative(),
  failures: z.number().int().nonnegative(),
});

export const assetEntrySchema = z.object({
  id: assetIdSchema,
  state: z.string(),
  /** Why it is in that state, where somebody said so. */
  reason: z.string().nullable(),
  fileName: z.string(),
  sizeBytes: z.number().int().nonnegative(),
  durationSeconds: z.number().nonnegative(),
  /** What was made of it and is there. */
  made: z.array(derivedNameSchema),
  /** What is to be made of it, or was. */
  jobs: z.array(assetJobSchema),
});

/** Of `GET /protected-vod/assets/:documentId`: the assets behind a video, a Media Library file, or the asset itself. */
export const assetsSchema = z.object({ data: z.array(assetEntrySchema) });

export type AssetEntry = z.infer<typeof assetEntrySchema>;
