import { z } from 'zod';
import { clientSchema, grantSchema } from './grant';
import { playbackTokenSchema, sessionIdSchema } from './ids';

/** POST /api/protected-vod/internal/introspect: may this credential play for this client? */
export const introspectionRequestSchema = z.object({
  /** Boot id of the streamer, the one that its syncs carry. */
  streamer: z.uuid(),
  credential: z.union([playbackTokenSchema, sessionIdSchema]),
  client: clientSchema,
  /** Milliseconds since the bound client's last activity as this streamer saw it; null: it saw none. */
  idleMs: z.number().int().nonnegative().nullable(),
});

export const introspectionResponseSchema = z.discriminatedUnion('active', [
  /**
   * Says nothing about why. `final` tells that no later answer for this credential can differ; `pending` that it will
   * be a yes once another streamer has stopped serving the client before (S12); `retryAfterSeconds` that nothing was
   * decided, because too many tokens were used lately by this user or from this address prefix.
   */
  z.object({
    active: z.literal(false),
    final: z.boolean(),
    pending: z.literal(true).optional(),
    retryAfterSeconds: z.number().int().positive().optional(),
  }),
  z.object({ active: z.literal(true), sessionId: sessionIdSchema, grant: grantSchema }),
]);

export type IntrospectionRequest = z.infer<typeof introspectionRequestSchema>;
export type IntrospectionResponse = z.infer<typeof introspectionResponseSchema>;
