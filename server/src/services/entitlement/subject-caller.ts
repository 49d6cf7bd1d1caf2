import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { SubjectOrigin } from '../../tokens/subject-origin';
import { batched } from '../batch';
import { getService } from '../get-service';
import type { Caller } from './caller';
import { type Denial, deny } from './decision';

/** The permission to speak for users who live elsewhere; ticked in Settings → API Tokens, beside that to play. */
export const SUBJECT_ACTION = 'plugin::protected-vod.subject.vouch';

const roleSchema = z.object({ id: z.union([z.number(), z.string()]), type: z.string() });

type Role = z.infer<typeof roleSchema>;

/** What a subject is judged by besides its API token. */
export interface SubjectReads {
  role(type: string): Promise<unknown>;
  /** Of the last change that was told of the subject with this key. */
  mark(key: string): Promise<string | null>;
}

/** Each is read once, and what is asked for together in one query. */
export function createSubjectReads(strapi: Core.Strapi): SubjectReads {
  return {
    role: batched(async (types: string[]) => {
      const where = { type: { $in: types } };
      const found: unknown[] = await strapi.db.query('plugin::users-permissions.role').findMany({ where });
      return new Map(found.map((row) => [roleSchema.parse(row).type, row]));
    }),
    mark: batched((keys: string[]) => getService(strapi, 'external-subjects').marks.of(keys)),
  };
}

export interface SubjectParts extends SubjectReads {
  /** Null: it is gone. */
  apiToken: { mayVouch: boolean } | null;
  /** Whether the role holds the permission to play. */
  callerOf(role: Role): Promise<Caller | Denial>;
}

/**
 * Somebody for whom an API token vouches. The token must be there and may speak for others; the role that it named is
 * judged as that of a user of this site; and nothing may have been told since that makes what the origin says old.
 */
export async function subjectCaller(origin: SubjectOrigin, parts: SubjectParts): Promise<Caller | Denial> {
  const { apiToken } = parts;
  if (!apiToken) return deny('api-token-gone', 'login-required');
  if (!apiToken.mayVouch) return deny('subject-not-nameable', 'not-entitled');
  const mark = await parts.mark(origin.id);
  // Null: it was told so long ago that nothing from before is left.
  if (mark !== null && mark !== origin.mark) return deny('subject-changed', 'not-entitled');
  const role = roleSchema.nullable().parse(await parts.role(origin.role));
  return role ? parts.callerOf(role) : deny('role-unknown', 'not-entitled');
}
