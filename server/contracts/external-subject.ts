import { z } from 'zod';

/** Of the attributes as JSON: they travel in the playback token, and so in every address that it opens. */
const MAX_ATTRIBUTE_BYTES = 2048;
const MAX_ATTRIBUTES = 32;

const ID = '[A-Za-z0-9_][A-Za-z0-9_.:|@+=~-]{0,63}';

/** How a site that keeps its users elsewhere knows one of them; OpenID Connect calls it `sub`. Case counts. */
export const externalSubjectIdSchema = z.string().regex(new RegExp(`^${ID}$`), 'This is no id of a subject.');

/** How administrators know the same: the id of the API token that names the subject, a colon, and the id there. */
export const externalSubjectKeySchema = z.string().regex(new RegExp(`^\\d{1,19}:${ID}$`), 'This is no subject.');

/** The policies of visitors without an account are not for somebody who has one. */
const roleTypeSchema = z
  .string()
  .max(64)
  // What any database can keep: the audit tells the role of who is refused.
  .regex(/^[\p{L}\p{N}_-]+$/u, 'This is no type of a role.')
  .refine((type) => !/[\u{10000}-\u{10ffff}]/u.test(type), 'This is no type of a role.')
  .refine((type) => type !== 'public', 'A subject is no visitor without an account.');

/** For rules in code. Flat, and small. */
export const subjectAttributesSchema = z
  .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/), z.union([z.string(), z.number(), z.boolean(), z.null()]))
  .refine((attributes) => Object.keys(attributes).length <= MAX_ATTRIBUTES, `More than ${MAX_ATTRIBUTES} attributes.`)
  .refine(
    (attributes) => new TextEncoder().encode(JSON.stringify(attributes)).byteLength <= MAX_ATTRIBUTE_BYTES,
    `Attributes are longer than ${MAX_ATTRIBUTE_BYTES} bytes of JSON.`,
  );

/** In the body of `POST …/playback-token`: the user for whom an API token asks. */
export const externalSubjectSchema = z.strictObject({
  id: externalSubjectIdSchema,
  /** Type of a role of this site. */
  role: roleTypeSchema,
  attributes: subjectAttributesSchema.default({}),
});

/**
 * Body of `POST /api/protected-vod/subjects/:id/changed`. Without a key: something that rules ask elsewhere. `role` and
 * `attributes` are in place of those before; `ended`: what runs ends, and no token from before opens anything.
 */
export const subjectChangeSchema = z.union([
  z.strictObject({ role: roleTypeSchema.optional(), attributes: subjectAttributesSchema.optional() }),
  z.strictObject({ ended: z.literal(true) }),
]);

export type ExternalSubject = z.infer<typeof externalSubjectSchema>;
export type SubjectAttributes = z.infer<typeof subjectAttributesSchema>;
export type SubjectChange = z.infer<typeof subjectChangeSchema>;
