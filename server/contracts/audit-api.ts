import { z } from 'zod';
import { externalSubjectKeySchema } from './external-subject';
import { documentIdSchema, guestLinkIdSchema } from './ids';

/** What one row of the audit tells. */
export const AUDIT_KINDS = [
  /** A token was used for the first time; the mint is told by this row, for minting writes none (S26). */
  'redemption',
  /** Somebody was not let in, at the token endpoint or by the streamer. */
  'refusal',
  /** A session ended. */
  'end',
  /** Another client took a session over. */
  'take-over',
  /** A film was taken into protected storage. */
  'upload',
  /** An entry, or a Media Library file that no entry shows, got another film: `asset` is the new one. */
  'replacement',
  /** A film's bytes left protected storage for the trash, or for good. */
  'deletion',
  /** A film came back from the trash. */
  'restore',
  /** An administrator added a text track to a film, or took one away, as `reason` tells. */
  'text-track',
  /** An administrator made, revoked or erased a guest link, as `reason` tells. */
  'guest-link',
  /** What workers had given up is tried again, of one film (`asset`) or of all: `retried-by-operator`. */
  'ingest',
  /** A process that Strapi runs was started anew: `streamer-restarted-by-operator` or `ingest-restarted-by-operator`. */
  'restart',
  /** Playback tokens are signed with a new key: `rotated-by-operator`. */
  'key-rotation',
  /** What named a person was made anonymous, or a guest link deleted. It tells who did it, and of what kind the person was. */
  'erasure',
  /** How many credentials were shown that nobody made; told by number only (S26). */
  'unknown-credentials',
  /** How many rows could not be kept. */
  'lost',
] as const;

/** Twelve characters of Crockford's base 32: told to a refused viewer, looked up by an editor. */
export const auditReferenceSchema = z.string().regex(/^[0-9A-HJKMNP-TV-Z]{12}$/);

export const auditPartySchema = z.object({
  /** `user`, `public`, `api-token`, `subject`, `admin`, `admin-token`, `guest-link`. */
  kind: z.string(),
  /** Of a subject, `<id of the API token>:<id there>`. Null: nobody in particular, or erased. */
  id: z.string().nullable(),
  /** Of an admin token: id of the administrator whose it is. */
  owner: z.string().exactOptional(),
});

export const auditEventSchema = z.object({
  reference: auditReferenceSchema,
  kind: z.enum(AUDIT_KINDS),
  at: z.iso.datetime(),
  /** Of the last of `count` equal events; they are told in one row. */
  lastAt: z.iso.datetime(),
  count: z.number().int().positive(),
  /** Whom it concerns: the viewer, the guest link, or who uploaded, replaced or deleted. */
  user: auditPartySchema.nullable(),
  /** Who did it to the viewer or the link, where somebody did. */
  actor: auditPartySchema.nullable(),
  /** Role type. */
  role: z.string().nullable(),
  /** `documentId` of the entry. */
  video: z.string().nullable(),
  locale: z.string().nullable(),
  asset: z.string().nullable(),
  reason: z.string().nullable(),
  /** Name of the rule that said no. */
  rule: z.string().nullable(),
  /** In that rule's own words. */
  ruleReason: z.string().nullable(),
  clientPrefix: z.string().nullable(),
  /** Id of the session's row; opens nothing. */
  session: z.string().nullable(),
});

/** Id of an administrator. */
export const adminIdSchema = z.string().regex(/^\d{1,15}$/, 'This is no id of an administrator.');

const idTextSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/** Of every list: at most `limit` rows, the newest first; `before` is the `next` of the page before. */
export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: z.coerce.number().int().positive().optional(),
});

/** Query of `GET /protected-vod/audit/export`. */
export const auditFilterSchema = z.object({
  kind: z.enum(AUDIT_KINDS).optional(),
  /** Id of a Users & Permissions user. */
  user: idTextSchema.optional(),
  subject: externalSubjectKeySchema.optional(),
  guestLink: guestLinkIdSchema.optional(),
  /** Whom it concerns, or who did it; by an admin token of theirs, too. */
  admin: adminIdSchema.optional(),
  video: documentIdSchema.optional(),
  asset: documentIdSchema.optional(),
  session: idTextSchema.optional(),
  reason: z.string().max(64).optional(),
  /** From here on, and up to there. */
  since: z.coerce.date().optional(),
  until: z.coerce.date().optional(),
});

/** Query of `GET /protected-vod/audit`. */
export const auditQuerySchema = z.strictObject({ ...auditFilterSchema.shape, ...pageQuerySchema.shape });

/** Null: there are no more. */
const nextSchema = z.object({ next: z.number().int().nullable() });

export const auditPageSchema = z.object({ data: z.array(auditEventSchema), meta: nextSchema });

export type AuditKind = (typeof AUDIT_KINDS)[number];
export type AuditParty = z.infer<typeof auditPartySchema>;
export type AuditEntry = z.infer<typeof auditEventSchema>;
export type AuditFilter = z.infer<typeof auditFilterSchema>;
export type PageQuery = z.infer<typeof pageQuerySchema>;
