import { z } from 'zod';
import { assetIdSchema, INGEST_REASON_CODES, JOB_STATES, jobIdSchema } from '../../../contracts';

const rowSchema = z.object({
  id: z.coerce.number(),
  document_id: jobIdSchema,
  asset: assetIdSchema,
  kind: z.string(),
  state: z.enum(JOB_STATES),
  attempt: z.coerce.number().int(),
  failures: z.coerce.number().int(),
  worker: z.string().nullable(),
  progress: z.coerce.number(),
  reason: z.enum(INGEST_REASON_CODES).nullable().catch(null),
});

export const JOB_COLUMNS = Object.keys(rowSchema.shape);

export type JobRow = z.infer<typeof rowSchema>;

/** Null: it is none that this version can read. */
export const parseJobRow = (row: unknown): JobRow | null => rowSchema.safeParse(row).data ?? null;
