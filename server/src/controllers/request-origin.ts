import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { z } from 'zod';
import { externalSubjectSchema } from '../../contracts';
import type { Origin } from '../tokens/playback-token';
import { subjectOrigin } from '../tokens/subject-origin';
import { validated } from './validated';

/** Strapi's name for API tokens of the content API; the second is the one that older 5.x versions use. */
const API_TOKEN_STRATEGIES = ['content-api-token', 'api-token'];

const authSchema = z.object({
  strategy: z.object({ name: z.string() }),
  credentials: z.object({ id: z.union([z.string(), z.number()]) }).nullish(),
});

/** Whom Strapi's own authentication found behind the request; null: nobody it can name. */
export function originOfRequest(ctx: Context): Origin | null {
  const auth = authSchema.safeParse(ctx.state.auth).data;
  if (!auth) return null;
  const id = auth.credentials ? String(auth.credentials.id) : null;
  if (API_TOKEN_STRATEGIES.includes(auth.strategy.name) && id !== null) return { kind: 'api-token', id };
  if (auth.strategy.name !== 'users-permissions') return null;
  return id === null ? { kind: 'public' } : { kind: 'user', id };
}

/** Id of the API token that the request carries; null: it carries none. */
export function apiTokenOf(ctx: Context): string | null {
  const origin = originOfRequest(ctx);
  return origin?.kind === 'api-token' ? origin.id : null;
}

const bodySchema = z.object({ user: z.unknown().optional(), subject: z.unknown().optional() });
const userIdSchema = z.union([z.number().int().positive(), z.string().regex(/^\d{1,19}$/)]).transform(String);

/** Who asks, or whom the API token that asks names; null: nobody who may be named by this caller. */
export function originNamedIn(ctx: Context, caller: Origin): Origin | null {
  const { user, subject } = bodySchema.safeParse(ctx.request.body).data ?? {};
  if (user === undefined && subject === undefined) return caller;
  if (user !== undefined && subject !== undefined) {
    throw new errors.ValidationError('A token is for a user or for a subject, not for both.');
  }
  if (subject !== undefined) {
    const named = validated(externalSubjectSchema, subject);
    return caller.kind === 'api-token' ? subjectOrigin(caller.id, named) : null;
  }
  const id = userIdSchema.safeParse(user);
  if (!id.success) throw new errors.ValidationError('`user` is not the id of a user.');
  return caller.kind === 'api-token' ? { kind: 'user', id: id.data, apiToken: caller.id } : null;
}
