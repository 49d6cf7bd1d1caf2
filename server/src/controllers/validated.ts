import { errors } from '@strapi/utils';
import { z } from 'zod';

/** What a request brought, read by its schema. Throws Strapi's ValidationError (400), which names what is wrong. */
export function validated<T>(schema: z.ZodType<T>, raw: unknown): T {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw new errors.ValidationError(z.prettifyError(parsed.error));
  return parsed.data;
}
