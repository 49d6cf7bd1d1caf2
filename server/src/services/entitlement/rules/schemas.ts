import type { Core } from '@strapi/strapi';
import { z } from 'zod';

const attributeSchema = z.object({
  type: z.string(),
  relation: z.string().nullish(),
  target: z.string().nullish(),
  enum: z.array(z.string()).nullish().catch(null),
});

/** As the database sees it: components and media are relations there. */
export type Attribute = z.infer<typeof attributeSchema>;

/** What has to be known of the site's content types to check a rule. */
export interface Schemas {
  has(uid: string): boolean;
  attribute(uid: string, name: string): Attribute | null;
  hasDrafts(uid: string): boolean;
}

export function schemasOf(strapi: Core.Strapi): Schemas {
  const contentTypes = new Map<string, unknown>(Object.entries(strapi.contentTypes));
  return {
    has: (uid) => strapi.db.metadata.has(uid),
    attribute(uid, name) {
      const { attributes } = strapi.db.metadata.get(uid);
      return Object.hasOwn(attributes, name) ? (attributeSchema.safeParse(attributes[name]).data ?? null) : null;
    },
    hasDrafts(uid) {
      const withDrafts = z.object({ options: z.object({ draftAndPublish: z.literal(true) }) });
      return withDrafts.safeParse(contentTypes.get(uid)).success;
    },
  };
}
