import { z } from 'zod';
import { auditPartySchema, auditReferenceSchema } from './audit-api';
import { assetIdSchema, documentIdSchema } from './ids';

/** What other code may hear of: on Strapi's event hub as `protected-vod.<type>`, and through webhooks. */
export const EVENT_TYPES = ['video.ready', 'playback.started', 'playback.ended', 'playback.refused'] as const;

function eventSchema<Type extends (typeof EVENT_TYPES)[number], Data extends z.ZodRawShape>(type: Type, data: Data) {
  return z.object({
    /** UUID version 7. The same however often it is delivered. */
    id: z.uuid(),
    type: z.literal(type),
    /** When it happened, on the clock of the Strapi that saw it. */
    timestamp: z.iso.datetime(),
    data: z.object(data),
  });
}

const playback = {
  /** Id of the session's row, as in the audit; opens nothing. */
  session: z.string().nullable(),
  user: auditPartySchema.nullable(),
  /** Role type. */
  role: z.string().nullable(),
  /** `documentId` of the entry. */
  video: z.string().nullable(),
  locale: z.string().nullable(),
  asset: z.string().nullable(),
};

/** No event holds a token, session id, address, name or e-mail. */
export const vodEventSchema = z.discriminatedUnion('type', [
  /** A film came into protected storage, or back from the trash, and stands in the Media Library: it can be played. */
  eventSchema('video.ready', {
    asset: assetIdSchema,
    durationSeconds: z.number().nonnegative(),
    /** Ids of its Media Library rows, at most 100. */
    files: z.array(z.number().int()),
    /** `documentId`s of the entries that have it as their source, at most 100. */
    videos: z.array(documentIdSchema),
  }),
  /** A token was used for the first time. */
  eventSchema('playback.started', playback),
  eventSchema('playback.ended', {
    ...playback,
    reason: z.string().nullable(),
    /** What was sent until the last renewal. */
    bytes: z.number().int().nonnegative(),
    /** Likewise: seconds of film. */
    mediaSeconds: z.number().nonnegative(),
  }),
  /** The first of equal refusals within a minute, or a number of others. */
  eventSchema('playback.refused', {
    ...playback,
    /** Of the audit's row; null: these refusals are told by number only. */
    reference: auditReferenceSchema.nullable(),
    reason: z.string().nullable(),
    /** Name of the rule that said no. */
    rule: z.string().nullable(),
    count: z.number().int().positive(),
  }),
]);

export type EventType = (typeof EVENT_TYPES)[number];
export type VodEvent = z.infer<typeof vodEventSchema>;
