import { z } from 'zod';
import { grantSchema } from './grant';
import { sessionHashSchema } from './ids';

export const MAX_SYNC_SESSIONS = 500;

/** What one streamer did for one session since its last report. */
export const sessionUsageSchema = z.object({
  session: sessionHashSchema,
  /** The newest that this streamer heard of: it serves nobody under an older one (S12). */
  generation: z.number().int().nonnegative(),
  bytes: z.number().int().nonnegative(),
  mediaSeconds: z.number().nonnegative(),
  /** Milliseconds since the bound client's last activity; an open, back-pressured response counts as activity. */
  idleMs: z.number().int().nonnegative(),
});

/**
 * POST /api/protected-vod/internal/sync: one request however many viewers, in batches of `MAX_SYNC_SESSIONS`.
 * An empty batch is a sign of life and checks the credential.
 */
export const syncRequestSchema = z.object({
  /** Drawn anew by each streamer process. */
  bootId: z.uuid(),
  /** Rises by one with each request of this boot; the plugin ignores what is not newer. */
  sequence: z.number().int().positive(),
  /** Of the package that this streamer runs from. */
  version: z.string().max(64).optional(),
  sessions: z.array(sessionUsageSchema).max(MAX_SYNC_SESSIONS),
  /** The last word of this boot: it serves nobody any more, so nobody needs to wait for it. */
  leaving: z.literal(true).optional(),
});

export const sessionVerdictSchema = z.discriminatedUnion('state', [
  /** The lease was not due: what the streamer holds stays good until it ends. */
  z.object({ session: sessionHashSchema, state: z.literal('unchanged') }),
  z.object({ session: sessionHashSchema, state: z.literal('renewed'), grant: grantSchema }),
  /** Terminal. Also the answer for a session nobody knows. */
  z.object({ session: sessionHashSchema, state: z.literal('ended') }),
]);

/**
 * What tokens and session ids are checked with until the next sync says else: it changes where the site's keys are rotated. Nothing
 * here can sign a token.
 */
export const streamerKeyListSchema = z.object({
  /** Raw Ed25519 public keys (base64url) by `kid`; a token of another key is good no more. */
  publicKeys: z.record(z.string().max(64), z.string().regex(/^[A-Za-z0-9_-]{43}$/)),
  /** Keys of the tags of session ids, base64url. */
  tagKeys: z.array(z.string().regex(/^[A-Za-z0-9_-]{43}$/)).min(1),
});

export const syncResponseSchema = z.object({
  results: z.array(sessionVerdictSchema).max(MAX_SYNC_SESSIONS),
  keys: streamerKeyListSchema.optional(),
});

export type SessionUsage = z.infer<typeof sessionUsageSchema>;
export type SyncRequest = z.infer<typeof syncRequestSchema>;
export type SessionVerdict = z.infer<typeof sessionVerdictSchema>;
export type StreamerKeyList = z.infer<typeof streamerKeyListSchema>;
export type SyncResponse = z.infer<typeof syncResponseSchema>;
