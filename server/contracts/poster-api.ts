import { z } from 'zod';
import { documentIdSchema } from './ids';
import { storageKeySchema } from './storage-key';

/** `typ` of a poster's credential (RFC 8725 §3.11): it is no playback token, and none is a poster's. */
export const POSTER_TOKEN_TYPE = 'protected-vod-poster+jwt';

/** What it claims: one entry in one locale. It names no viewer, and redeems nothing. */
export const posterClaimsSchema = z.object({
  vid: documentIdSchema,
  loc: z.string().max(32).nullable(),
  exp: z.number().int(),
});

/** A made file that may be sent as it is. */
export const grantedFileSchema = z.object({
  storageKey: storageKeySchema,
  sizeBytes: z.number().int().nonnegative(),
  /** Changes with every byte; opaque. */
  version: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
});

/** POST /api/protected-vod/internal/poster */
export const posterRequestSchema = z.object({
  credential: z
    .string()
    .max(1024)
    .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/),
});

/** Says nothing about why not. */
export const posterAnswerSchema = z.discriminatedUnion('active', [
  z.object({ active: z.literal(false) }),
  z.object({
    active: z.literal(true),
    poster: grantedFileSchema,
    /** How long the answer is good, counted from the moment the request was sent. */
    freshSeconds: z.number().positive(),
  }),
]);

export type GrantedFile = z.infer<typeof grantedFileSchema>;
export type PosterAnswer = z.infer<typeof posterAnswerSchema>;
