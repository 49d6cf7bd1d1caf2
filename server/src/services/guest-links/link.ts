import { z } from 'zod';
import { type Denial, deny } from '../entitlement/decision';

/** Drivers give big integers as text. */
const integer = z.coerce.number().int();
/** Null stays null: coercing would make it 0. */
const integerOrNull = z.union([z.null(), integer]);

export const guestLinkSchema = z.object({
  id: integer,
  documentId: z.string(),
  video: z.string(),
  label: z.string().nullable(),
  /** Milliseconds since the epoch, as all times here. */
  expiresAt: integer,
  revokedAt: integerOrNull,
  /** Null: no limit. */
  maxViews: integerOrNull,
  passwordHash: z.string().nullable(),
  download: z.boolean(),
  madeBy: z.string().nullable(),
  revokedBy: z.string().nullable(),
  madeAt: integer,
});

export const identifiedLinkSchema = guestLinkSchema.pick({ documentId: true });

export type GuestLink = z.infer<typeof guestLinkSchema>;

/** Null: it opens its video, as far as the link itself goes. */
export function denialOfLink({ revokedAt, expiresAt }: GuestLink, now: number): Denial | null {
  if (revokedAt !== null) return deny('guest-link-revoked', 'link-refused');
  return expiresAt <= now ? deny('guest-link-expired', 'link-refused') : null;
}
