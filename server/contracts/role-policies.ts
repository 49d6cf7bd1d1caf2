import { z } from 'zod';
import { PROTOCOLS } from './protocols';

const YEAR_SECONDS = 366 * 24 * 3600;

/**
 * To whom a session belongs. `hand-over`: one client at a time, and another may take it over. `address-prefix`: the
 * client that opened it, for good. `none`: whoever has its address.
 */
export const CLIENT_BINDINGS = ['hand-over', 'address-prefix', 'none'] as const;

/** What one more session than the limit does. */
export const AT_LIMIT = ['refuse', 'end-oldest'] as const;

export const viewLimitSchema = z.strictObject({
  limit: z.number().int().min(1).max(1000),
  /** A view counts from its beginning for so long. */
  windowSeconds: z.number().int().min(60).max(YEAR_SECONDS),
});

/** What callers may have who stand for many people. Each key that is not there is as the site has it. */
const unnamedPolicySchema = z.strictObject({
  /** How long a playback token may wait for its first use. */
  tokenLifetimeSeconds: z.number().int().min(5).max(600).exactOptional(),
  /** Silence after which a session is over; the site's default is the film's length and a pause allowance. */
  sessionLifetimeSeconds: z.number().int().min(60).max(YEAR_SECONDS).exactOptional(),
  /** Absolute end of a session, below that of the site (S13). */
  sessionMaxLifetimeSeconds: z.number().int().min(60).max(YEAR_SECONDS).exactOptional(),
  protocols: z
    .array(z.enum(PROTOCOLS))
    .min(1)
    .refine((protocols) => new Set(protocols).size === protocols.length, 'A protocol is listed twice.')
    .exactOptional(),
  /** The highest rendition listed, in pixels; null: no ceiling. */
  maxHeight: z.number().int().positive().nullable().exactOptional(),
  /** False: no downloads. True: those of the entries that offer them. */
  download: z.boolean().exactOptional(),
  clientBinding: z.enum(CLIENT_BINDINGS).exactOptional(),
});

/** What a role may. Each key that is not there is as the site has it. */
export const rolePolicySchema = unnamedPolicySchema.extend({
  /** Sessions of one user at one time; null: no limit. */
  maxConcurrent: z.number().int().min(1).max(1000).nullable().exactOptional(),
  atLimit: z.enum(AT_LIMIT).exactOptional(),
  /** Views of one video by one user; null: no limit. */
  views: viewLimitSchema.nullable().exactOptional(),
});

const COUNTED = ['maxConcurrent', 'atLimit', 'views'] as const;

/** The policies of a site: `GET` and `PUT /protected-vod/policies`. */
export const rolePoliciesSchema = z.strictObject({
  /** By role type. */
  roles: z.record(z.string().min(1).max(255), rolePolicySchema).superRefine((roles, context) => {
    for (const key of COUNTED.filter((name) => roles.public && name in roles.public)) {
      context.addIssue({
        code: 'custom',
        path: ['public', key],
        message: 'Visitors without an account are not counted: the public role cannot have this key.',
      });
    }
  }),
  /** Of all API tokens. */
  apiTokens: unnamedPolicySchema.exactOptional(),
});

export type ClientBinding = (typeof CLIENT_BINDINGS)[number];
export type ViewLimit = z.infer<typeof viewLimitSchema>;
export type UnnamedPolicy = z.infer<typeof unnamedPolicySchema>;
export type RolePolicy = z.infer<typeof rolePolicySchema>;
export type RolePolicies = z.infer<typeof rolePoliciesSchema>;
