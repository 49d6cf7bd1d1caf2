import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { PLUGIN_ID } from '../contracts';
import { hlsSchema } from './hls-config';
import { ingestSchema } from './ingest-config';
import { inspectionSchema } from './storage/inspection/inspection-config';
import { storageSchema, uploadSchema } from './storage/storage-config';
import { webhooksSchema } from './webhooks/webhook-config';

const GIB = 1024 ** 3;

/** Per minute; as many at once. */
const rate = () => z.number().int().min(1).nullable();

const filtersSchema = z.record(z.string(), z.unknown());

/** A rule without code. Its names are checked against the site's content types when Strapi starts, not here. */
const ruleSchema = z.strictObject({
  name: z.string().min(1).max(100),
  roles: z.array(z.string()).optional(),
  videos: filtersSchema.optional(),
  videosOf: z.strictObject({ uid: z.string(), filters: filtersSchema }).optional(),
  uid: z.string(),
  filters: filtersSchema,
});

export type RuleConfig = z.infer<typeof ruleSchema>;

/** The only description of `config/plugins` → `protected-vod`; README's table is checked against it. */
export const configSchema = z.strictObject({
  storage: storageSchema,
  upload: uploadSchema,
  inspection: inspectionSchema.prefault({}),
  token: z
    .strictObject({
      lifetimeSeconds: z
        .number()
        .int()
        .min(5)
        .max(600)
        .default(60)
        .describe('How long a playback token may wait for its first use.'),
    })
    .prefault({}),
  preview: z
    .strictObject({
      lifetimeSeconds: z
        .number()
        .int()
        .min(60)
        .max(4 * 3600)
        .default(900)
        .describe("Absolute end of an editor's preview."),
    })
    .prefault({}),
  guestLinks: z
    .strictObject({
      retentionDays: z
        .number()
        .int()
        .min(1)
        .nullable()
        .default(90)
        .describe('How long guest links are kept that were revoked or have expired; `null` keeps them.'),
    })
    .prefault({}),
  session: z
    .strictObject({
      leaseSeconds: z
        .number()
        .int()
        .min(4)
        .max(300)
        .default(30)
        .describe('How long a streamer may serve without a new decision.'),
      outageGraceSeconds: z
        .number()
        .int()
        .min(0)
        .max(600)
        .default(30)
        .describe('How much longer playback goes on while Strapi cannot be reached.'),
      maxLifetimeSeconds: z
        .number()
        .int()
        .positive()
        .default(24 * 3600)
        .describe('Absolute end of a session, whatever it does.'),
      pauseAllowanceSeconds: z
        .number()
        .int()
        .positive()
        .default(4 * 3600)
        .describe("Silence beyond the film's own length after which a session is over."),
      silenceSeconds: z
        .number()
        .int()
        .positive()
        .default(15)
        .describe('Silence after which another client may take a session over.'),
      maxTakeOvers: z.number().int().min(0).default(6).describe('Take-overs after which a session ends.'),
      maxConcurrent: z
        .number()
        .int()
        .min(1)
        .max(1000)
        .nullable()
        .default(null)
        .describe('Sessions that one user may have at one time; `null` sets no limit.'),
      atLimit: z
        .enum(['refuse', 'end-oldest'])
        .default('refuse')
        .describe('What one session more does: it is refused, or ends the one that began first.'),
      slotSilenceSeconds: z
        .number()
        .int()
        .min(10)
        .default(60)
        .describe('Silence after which a session gives its place to a new one of the same user.'),
      maxResponses: z.number().int().positive().default(8).describe('Parallel responses of one session.'),
      paceFactor: z.number().positive().default(4).describe('Media seconds served per second of watching, at most.'),
      paceBufferSeconds: z
        .number()
        .positive()
        .default(600)
        .describe('Media seconds that may be served ahead of the pace.'),
      retentionDays: z
        .number()
        .int()
        .min(1)
        .nullable()
        .default(90)
        .describe('How long ended sessions are kept; `null` keeps them.'),
    })
    .prefault({}),
  hls: hlsSchema.prefault({}),
  audit: z
    .strictObject({
      retentionDays: z
        .number()
        .int()
        .min(1)
        .nullable()
        .default(90)
        .describe('How long rows of the audit are kept; `null` keeps them.'),
    })
    .prefault({}),
  rateLimits: z
    .strictObject({
      mint: z
        .strictObject({
          perUser: rate().default(60).describe('Playback tokens a minute that one user may ask for.'),
          perApiToken: rate().default(6000).describe('The same for one API token, from wherever it asks.'),
          perPrefix: rate()
            .default(600)
            .describe('The same for all signed-in users of one address prefix, and for all other visitors there.'),
        })
        .prefault({}),
      redeem: z
        .strictObject({
          perUser: rate().default(60).describe('Playback tokens a minute that one user may use.'),
          perPrefix: rate()
            .default(600)
            .describe('The same for all signed-in users of one address prefix, and for all other viewers there.'),
        })
        .prefault({}),
      guestPassword: z
        .strictObject({
          perLink: rate()
            .default(50)
            .describe('Wrong passwords within 15 minutes at one guest link; then networks that tried one wait.'),
          perPrefix: rate()
            .default(5)
            .describe('The same from one address prefix, or IPv6 `/48`; then none is compared from there.'),
        })
        .prefault({}),
    })
    .prefault({}),
  streamer: z
    .strictObject({
      mode: z
        .enum(['managed', 'external'])
        .default('managed')
        .describe('`managed`: Strapi runs the streamer. `external`: you run `protected-vod streamer`.'),
      publicUrl: z
        .url()
        .optional()
        .describe("Where viewers reach the streamer directly; default: through Strapi's own port."),
      host: z.string().default('127.0.0.1').describe('Address that the managed streamer listens on.'),
      port: z.number().int().min(0).max(65535).default(0).describe('Its port; 0 takes a free one.'),
      opsHost: z.string().default('127.0.0.1').describe('Address of `/healthz`, `/readyz` and `/metrics`.'),
      opsPort: z.number().int().min(0).max(65535).default(0).describe('Their port; 0 takes a free one.'),
      internalUrl: z
        .url()
        .optional()
        .describe("Base address of Strapi's internal REST; default: loopback and Strapi's own port."),
      trustedProxies: z
        .array(z.string())
        .default([])
        .describe('Addresses, CIDR blocks or `unix:` whose `X-Forwarded-For` is believed.'),
      cacheDir: z.string().optional().describe('Segment cache; default: `cache` below the storage root.'),
      memoryCacheBytes: z
        .number()
        .int()
        .positive()
        .default(GIB / 8)
        .describe('Segments kept in memory.'),
      diskCacheBytes: z
        .number()
        .int()
        .nonnegative()
        .default(2 * GIB)
        .describe('Segments kept on disk.'),
      cutThreads: z
        .number()
        .int()
        .min(1)
        .max(64)
        .default(1)
        .describe('Threads that cut segments; one core cuts some 25 segments a second.'),
      maxConnections: z
        .number()
        .int()
        .positive()
        .default(10_000)
        .describe("Viewers' sockets at one time, over all protocols; one address may have a quarter of them."),
      maxMemoryBytes: z
        .number()
        .int()
        .positive()
        .default(GIB)
        .describe('Resident memory at which the managed streamer is replaced by a fresh one.'),
      accelPrefix: z
        .string()
        .regex(/^\/[A-Za-z0-9/_-]*\/$/)
        .optional()
        .describe('Internal location of nginx that leads to the segment cache (`X-Accel-Redirect`).'),
      edge: z.boolean().default(false).describe('Answers `auth_request` of trusted proxies at `/edge/authorize`.'),
      rtmp: z
        .strictObject({
          enabled: z.boolean().default(true).describe('Whether films are served over RTMP at all.'),
          host: z.string().default('127.0.0.1').describe('Address that RTMP listens on.'),
          port: z
            .number()
            .int()
            .min(0)
            .max(65535)
            .nullable()
            .default(0)
            .describe('Port of plain RTMP; 0 takes a free one, `null` serves none.'),
          publicUrl: z
            .url({ protocol: /^rtmps?$/ })
            .optional()
            .describe(
              'Where viewers reach RTMP (`rtmps://vod.example.org`); without it only visitors on loopback get an address.',
            ),
          allowPlaintext: z
            .boolean()
            .default(false)
            .describe('Permits plain RTMP on an address that is not loopback: tokens travel unencrypted.'),
          tls: z
            .strictObject({
              port: z.number().int().min(0).max(65535).describe('Port of RTMPS.'),
              keyFile: z.string().min(1).describe('Private key (PEM); relative to the app.'),
              certificateFile: z.string().min(1).describe('Certificate chain (PEM); relative to the app.'),
            })
            .optional(),
        })
        .prefault({}),
      drainSeconds: z.number().nonnegative().default(5).describe('How long a stopping streamer lets responses finish.'),
      logLevel: z
        .enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug'])
        .default('info')
        .describe("Level of the streamer's JSON log."),
    })
    .prefault({}),
  ingest: ingestSchema,
  rules: z
    .array(ruleSchema)
    .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, 'Two rules have one name.')
    .default([])
    .describe('Who may watch by what else the CMS knows, such as orders: see “Rules”.'),
  webhooks: webhooksSchema.default([]).describe('Endpoints that are told what happens: see “Events and webhooks”.'),
  cors: z
    .strictObject({
      origins: z
        .array(z.string())
        .optional()
        .describe('Origins that may play in a browser; default: those that Strapi itself allows.'),
    })
    .prefault({}),
});

export type PluginConfig = z.infer<typeof configSchema>;

function freeze<T extends object>(value: T): Readonly<T> {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freeze(inner);
  return Object.freeze(value);
}

/** Parses what the site wrote; throws an Error whose message names each wrong key. */
export function parseConfig(raw: unknown): Readonly<PluginConfig> {
  const parsed = configSchema.safeParse(raw ?? {});
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return freeze(parsed.data);
}

const parsedOnce = new WeakMap<object, Readonly<PluginConfig>>();

/** The site's configuration of this plugin, parsed once per Strapi and frozen. */
export function configOf(strapi: Core.Strapi): Readonly<PluginConfig> {
  const known = parsedOnce.get(strapi);
  if (known) return known;
  const config = parseConfig(strapi.config.get(`plugin::${PLUGIN_ID}`));
  parsedOnce.set(strapi, config);
  return config;
}

/** Strapi's own hook: defaults live in the schema, so arrays of a site are never merged with ours by index. */
export const config = {
  default: {},
  validator(raw: unknown): void {
    parseConfig(raw);
  },
};
