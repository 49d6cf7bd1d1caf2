import type { Context } from 'koa';
import { z } from 'zod';
import type { Origin } from '../tokens/playback-token';
import { type CallerReads, PLAYBACK_ACTION } from './entitlement/caller';

/** Strapi's name for API tokens of the content API; the second is the one that older 5.x versions use. */
const API_TOKEN_STRATEGIES = ['content-api-token', 'api-token'];

interface Ability {
  can(action: string): boolean;
}

const hasAbility = (value: unknown): value is Ability =>
  typeof value === 'object' && value !== null && 'can' in value && typeof value.can === 'function';

const authSchema = z.object({
  strategy: z.object({ name: z.string() }),
  credentials: z.looseObject({ id: z.union([z.string(), z.number()]) }).nullish(),
  ability: z.custom<Ability>(hasAbility).nullish(),
});

const actionsSchema = z.array(z.string()).catch([]);

function authOf(ctx: Context) {
  return authSchema.safeParse(ctx.state.auth).data;
}

/** Whom Strapi's own authentication found behind the request; null: nobody it can name. */
export function originOfRequest(ctx: Context): Origin | null {
  const auth = authOf(ctx);
  if (!auth) return null;
  const id = auth.credentials ? String(auth.credentials.id) : null;
  if (API_TOKEN_STRATEGIES.includes(auth.strategy.name) && id !== null) return { kind: 'api-token', id };
  if (auth.strategy.name !== 'users-permissions') return null;
  return id === null ? { kind: 'public' } : { kind: 'user', id };
}

/** Id of the API token that the request carries. */
export function apiTokenOfRequest(ctx: Context): string | null {
  const auth = authOf(ctx);
  return auth?.credentials && API_TOKEN_STRATEGIES.includes(auth.strategy.name) ? String(auth.credentials.id) : null;
}

/**
 * The rows of the caller of this very request, as Strapi's authentication has just read them: the user with the role, or
 * the API token, and what they are permitted. Of nobody else.
 */
export function callerReadsOfRequest(ctx: Context): CallerReads {
  const auth = authOf(ctx);
  const credentials = auth?.credentials ?? null;
  return {
    user: async () => credentials,
    apiToken: async () =>
      credentials && {
        ...credentials,
        permissions: actionsSchema.parse(credentials.permissions).map((action) => ({ action })),
      },
    publicRole: async () => ({ id: 'public', type: 'public' }),
    mayPlay: async () => auth?.ability?.can(PLAYBACK_ACTION) ?? false,
    // Strapi turns away who is not confirmed where the site asks for that.
    mustConfirm: async () => false,
    // Who names somebody else asks for one token at a time.
    subject: { role: async () => null, mark: async () => null },
  };
}
