import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { type ExternalSubject, subjectAttributesSchema } from '../../contracts';

/**
 * Who a token was minted for where that is a user who lives elsewhere, with what the API token said of them. It is signed,
 * not secret: the viewer can read it.
 */
export const subjectOriginSchema = z.object({
  kind: z.literal('subject'),
  /** As `subjectKey` makes it: two API tokens never mean the same one. */
  id: z.string().max(192),
  apiToken: z.string().max(64),
  role: z.string().max(64),
  attributes: subjectAttributesSchema,
  /** Of the last change that was told before; another one since makes what is said here old. Null: none was told lately. */
  mark: z.string().max(32).nullable(),
});

export type SubjectOrigin = z.infer<typeof subjectOriginSchema>;

/**
 * How a subject is stored, from `<API token>:<id>`. Capitals are written `!a`, because MariaDB and MySQL compare without
 * regard to case: "Ann" and "ann" are two people.
 */
export function subjectKey(shown: string): string {
  return shown.replace(/[A-Z]/g, (capital) => `!${capital.toLowerCase()}`);
}

/** The way back. */
export function shownSubject(key: string): string {
  return key.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The API token in whose name a subject's key is. */
export function apiTokenOfKey(key: string): string {
  return key.slice(0, key.indexOf(':'));
}

/**
 * What stands for a subject where nobody shall be named. Ids can be guessed: without the key, which the database does not
 * hold, guesses cannot be compared with it.
 */
export function subjectDigest(digestKey: Buffer, key: string): string {
  return createHmac('sha256', digestKey).update(key).digest('hex');
}

/** The id alone, as the API token's owner knows it. */
export function subjectIdOf({ id }: SubjectOrigin): string {
  return shownSubject(id.slice(id.indexOf(':') + 1));
}

/** What nobody has looked at yet: whether the API token may name subjects, and what was told of this one. */
export function subjectOrigin(apiToken: string, { id, role, attributes }: ExternalSubject): SubjectOrigin {
  return { kind: 'subject', id: subjectKey(`${apiToken}:${id}`), apiToken, role, attributes, mark: null };
}
