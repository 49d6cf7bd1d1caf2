import { z } from 'zod';
import type { Client } from '../../../contracts';
import type { Origin } from '../../tokens/playback-token';
import { storedAttributesSchema, subjectOriginOf } from './subject-columns';

/** Drivers return big integers as strings or numbers; both are read as numbers (all values stay below 2^53). */
const integer = z.coerce.number().int();

const sessionRowSchema = z.object({
  /** Names the row to editors; opens nothing. */
  document_id: z.string(),
  token_id: z.string(),
  session_hash: z.string(),
  salt: z.string(),
  origin_kind: z.enum(['user', 'public', 'api-token', 'subject', 'admin', 'guest-link']),
  origin_id: z.string().nullable(),
  api_token: z.string().nullable(),
  role: z.string().nullable(),
  subject_attributes: storedAttributesSchema,
  subject_mark: z.string().nullable(),
  video: z.string(),
  locale: z.string().nullable(),
  asset: z.string(),
  client_prefix: z.string(),
  client_agent: z.string(),
  state: z.enum(['active', 'ended']),
  epoch: integer,
  generation: integer,
  lease_due: integer,
  started_at: integer,
  last_seen_at: integer,
});

export type SessionRow = z.infer<typeof sessionRowSchema>;

export const SESSION_COLUMNS = Object.keys(sessionRowSchema.shape);

export function parseSessionRow(row: unknown): SessionRow {
  return sessionRowSchema.parse(row);
}

/** Rows that do not parse are left out: whoever asked for them finds no session, and the others are served (S17). */
export function parseSessionRows(rows: readonly unknown[]): SessionRow[] {
  return rows.flatMap((row) => sessionRowSchema.safeParse(row).data ?? []);
}

export function originOf(row: SessionRow): Origin {
  const id = row.origin_id ?? '';
  switch (row.origin_kind) {
    case 'public':
      return { kind: 'public' };
    case 'api-token':
      return { kind: 'api-token', id };
    case 'subject':
      return subjectOriginOf(row);
    case 'admin':
      return { kind: 'admin', id };
    case 'guest-link':
      return { kind: 'guest-link', id };
    case 'user':
      return { kind: 'user', id, ...(row.api_token !== null && { apiToken: row.api_token }) };
  }
}

export function clientOf(row: SessionRow): Client {
  return { addressPrefix: row.client_prefix, agent: row.client_agent };
}
