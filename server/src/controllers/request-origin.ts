import { errors } from '@strapi/utils';
import type { Context } from 'koa';
import { z } from 'zod';
import { externalSubjectSchema } from '../../contracts';
import type { Origin } from '../tokens/playback-token';
import { subjectOrigin } from '../tokens/subject-origin';
import { validated } from './validated';

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
