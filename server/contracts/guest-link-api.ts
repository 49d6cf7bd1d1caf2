import { z } from 'zod';
import { pageQuerySchema } from './audit-api';
import { documentIdSchema, guestLinkIdSchema, guestLinkSecretSchema } from './ids';

const YEAR_MS = 366 * 24 * 3600 * 1000;

function isWithinAYear(date: Date): boolean {
  const aheadMs = date.getTime() - Date.now();
  return aheadMs > 0 && aheadMs <= YEAR_MS;
}

/** Body of `POST /protected-vod/guest-links`. */
export const newGuestLinkSchema = z.strictObject({
  /** The one video that it opens. */
  video: documentIdSchema,
  /** For editors; it may name a person. */
  label: z.string().trim().min(1).max(200).nullable().default(null),
  /** Without it: in seven days. */
  expiresAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .refine(isWithinAYear, 'It lies ahead, at most a year.')
    .optional(),
  /** How many sessions it opens; null: as many as are asked for. */
  views: z.number().int().min(1).max(1000).nullable().default(null),
  password: z.string().min(8).max(128).nullable().default(null),
  /** Whether its guests may download, where the entry offers that. */
  download: z.boolean().default(false),
});

/** An administrator; without a name where there is no such account any more. */
const administratorSchema = z.object({ id: z.string(), name: z.string().nullable() });

export const guestLinkEntrySchema = z.object({
  id: guestLinkIdSchema,
  label: z.string().nullable(),
  video: z.object({ documentId: z.string(), title: z.string().nullable() }),
  state: z.enum(['active', 'revoked', 'expired', 'used-up']),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  revokedAt: z.iso.datetime().nullable(),
  /** Null: without limit. */
  views: z.object({ limit: z.number().int().positive(), left: z.number().int().nonnegative() }).nullable(),
  hasPassword: z.boolean(),
  download: z.boolean(),
  madeBy: administratorSchema.nullable(),
  revokedBy: administratorSchema.nullable(),
});

/** Of `POST /protected-vod/guest-links`: the only answer that ever tells the secret. */
export const madeGuestLinkSchema = z.object({ data: guestLinkEntrySchema.extend({ link: guestLinkSecretSchema }) });

/** Query of `GET /protected-vod/guest-links`. */
export const guestLinkQuerySchema = z.strictObject({
  video: documentIdSchema.optional(),
  ...pageQuerySchema.shape,
});

export const guestLinkPageSchema = z.object({
  data: z.array(guestLinkEntrySchema),
  meta: z.object({ next: z.number().int().nullable() }),
});

/**
 * Body of `POST /api/protected-vod/guest-links/playback-token`. The secret is in the body, because addresses are written
 * down on their way (S26).
 */
export const guestAdmissionSchema = z.object({
  link: guestLinkSecretSchema,
  password: z.string().min(1).max(128).optional(),
});

export type NewGuestLink = z.infer<typeof newGuestLinkSchema>;
export type GuestLinkEntry = z.infer<typeof guestLinkEntrySchema>;
export type GuestLinkQuery = z.infer<typeof guestLinkQuerySchema>;
export type GuestAdmission = z.infer<typeof guestAdmissionSchema>;
