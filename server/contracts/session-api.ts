import { z } from 'zod';
import { adminIdSchema, auditFilterSchema, pageQuerySchema } from './audit-api';
import { externalSubjectKeySchema, subjectAttributesSchema } from './external-subject';
import { documentIdSchema, guestLinkIdSchema } from './ids';

/** Id of a session's row, as the audit and the session list tell it. It opens nothing. */
export const sessionRowIdSchema = z.string().regex(/^[a-z0-9]{1,64}$/);

/** Query of `GET /protected-vod/sessions`. */
export const sessionQuerySchema = z.strictObject({
  state: z.enum(['active', 'ended']).optional(),
  user: auditFilterSchema.shape.user,
  subject: auditFilterSchema.shape.subject,
  guestLink: auditFilterSchema.shape.guestLink,
  /** Their previews. */
  admin: adminIdSchema.optional(),
  video: documentIdSchema.optional(),
  /** Begun from here on. */
  since: z.coerce.date().optional(),
  ...pageQuerySchema.shape,
});

export const sessionEntrySchema = z.object({
  id: sessionRowIdSchema,
  /** First digits of the session's hash, as in the streamer's log and `protected-vod sessions`. */
  logId: z.string(),
  /** `active`: it may be watched under. Whether somebody does, `idleSeconds` tells. */
  state: z.enum(['active', 'ended']),
  endReason: z.string().nullable(),
  user: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable() }),
  role: z.string().nullable(),
  /** What the API token said last of a subject who watches; it goes when the session ends. */
  attributes: subjectAttributesSchema.exactOptional(),
  video: z.object({ documentId: z.string(), title: z.string().nullable() }),
  locale: z.string().nullable(),
  asset: z.string(),
  clientPrefix: z.string().nullable(),
  /** How often another client took it over. */
  takeOvers: z.number().int().nonnegative(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  /** Since the viewer's last activity, as far as any streamer told; null for ended ones. */
  idleSeconds: z.number().nonnegative().nullable(),
  /** Up to the last renewal. */
  bytes: z.number().int().nonnegative(),
});

export const sessionPageSchema = z.object({
  data: z.array(sessionEntrySchema),
  meta: z.object({ next: z.number().int().nullable() }),
});

/** Body of `POST /protected-vod/sessions/end`: all sessions of one user, subject, guest link or video, or all previews of one administrator. */
export const sessionsEndRequestSchema = z.union([
  z.strictObject({ user: z.union([z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), z.number().int()]).transform(String) }),
  z.strictObject({ subject: externalSubjectKeySchema }),
  z.strictObject({ guestLink: guestLinkIdSchema }),
  z.strictObject({ admin: z.union([adminIdSchema, z.number().int().positive()]).transform(String) }),
  z.strictObject({ video: documentIdSchema }),
]);

/** Of both ways to end sessions: how many were running. */
export const sessionsEndedSchema = z.object({ data: z.object({ ended: z.number().int().nonnegative() }) });

export type SessionEntry = z.infer<typeof sessionEntrySchema>;
export type SessionQuery = z.infer<typeof sessionQuerySchema>;
