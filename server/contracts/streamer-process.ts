import { z } from 'zod';

/**
 * What one streamer needs to trust and be trusted: its own derived credential and the public keys of the tokens.
 * Printed by `protected-vod secret print --role streamer`; holds nothing that can mint.
 */
export const streamerKeysSchema = z.object({
  credential: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  /** Raw Ed25519 public keys (base64url) by `kid`. */
  publicKeys: z.record(z.string(), z.string().regex(/^[A-Za-z0-9_-]{43}$/)),
});

/** RTMP is off loopback only with TLS or by an explicit word (S21). */
export const rtmpSettingsSchema = z.object({
  host: z.string().default('127.0.0.1'),
  /** Null: no plain RTMP. */
  port: z.number().int().min(0).max(65535).nullable().default(0),
  allowPlaintext: z.boolean().default(false),
  /** Connections of trusted proxies must begin with a PROXY header, which is believed. Default: no. */
  proxyProtocol: z.boolean().optional(),
  tls: z
    .object({
      port: z.number().int().min(0).max(65535),
      keyFile: z.string().min(1),
      certificateFile: z.string().min(1),
    })
    .optional(),
});

/** Everything a streamer is told at its start, over IPC or from its own configuration. Durations in the unit of the name. */
export const streamerSettingsSchema = z.object({
  keys: streamerKeysSchema,
  /** Base address of the plugin's internal REST, e.g. `http://127.0.0.1:1337/api/protected-vod/internal`. */
  internalUrl: z.url(),
  storageRoot: z.string().min(1),
  cacheDir: z.string().min(1),
  host: z.string().default('127.0.0.1'),
  port: z.number().int().min(0).max(65535).default(0),
  opsHost: z.string().default('127.0.0.1'),
  opsPort: z.number().int().min(0).max(65535).default(0),
  /** Unix socket (on Windows: named pipe) at which Strapi processes attach; absent where none does. */
  controlPath: z.string().min(1).optional(),
  /** Addresses or CIDR blocks of reverse proxies whose X-Forwarded-For is believed. */
  trustedProxies: z.array(z.string()).default([]),
  /** Origins that may read answers in a browser; `*` reflects any. */
  corsOrigins: z.array(z.string()).default([]),
  memoryCacheBytes: z
    .number()
    .int()
    .positive()
    .default(128 * 1024 * 1024),
  diskCacheBytes: z
    .number()
    .int()
    .nonnegative()
    .default(2 * 1024 * 1024 * 1024),
  /** Threads that cut segments and read packets. */
  cutThreads: z.number().int().min(1).max(64).default(1),
  /** Absent: no RTMP at all. */
  rtmp: rtmpSettingsSchema.optional(),
  /** Internal location of a reverse proxy that leads to the segment cache, e.g. `/protected-vod-segments/`. */
  accelPrefix: z
    .string()
    .regex(/^\/[A-Za-z0-9/_-]*\/$/)
    .optional(),
  /** Answers `auth_request`-style questions of trusted proxies at `/edge/authorize`. */
  edge: z.boolean().default(false),
  /** Sockets of viewers at one time, over all protocols. */
  maxConnections: z.number().int().positive().default(10_000),
  maxResponsesPerSession: z.number().int().positive().default(8),
  /** How long a stopping streamer lets running responses finish. */
  drainSeconds: z.number().nonnegative().default(5),
  logLevel: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug']).default('info'),
});

/** Parent to child, once, right after the fork. */
export const parentMessageSchema = z.object({ type: z.literal('start'), settings: streamerSettingsSchema });

/** Where a streamer serves. Null: not served. */
export const streamerPortsSchema = z.object({
  port: z.number().int(),
  opsPort: z.number().int(),
  rtmpPort: z.number().int().nullable(),
  rtmpsPort: z.number().int().nullable(),
});

/** Child to parent. */
export const childMessageSchema = z.discriminatedUnion('type', [
  streamerPortsSchema.extend({ type: z.literal('listening') }),
  /** An ingest worker asks for work. */
  z.object({ type: z.literal('ready') }),
  /** Another streamer holds the control socket already; this one ends. */
  z.object({ type: z.literal('occupied') }),
  z.object({ type: z.literal('fatal'), reason: z.string() }),
]);

export type StreamerPorts = z.infer<typeof streamerPortsSchema>;
export type StreamerKeys = z.infer<typeof streamerKeysSchema>;
export type RtmpSettings = z.infer<typeof rtmpSettingsSchema>;
export type StreamerSettings = z.infer<typeof streamerSettingsSchema>;
export type ChildMessage = z.infer<typeof childMessageSchema>;
