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
  /** Per-boot proof that a request came through Strapi's proxy; absent where there is no proxy. */
  edgeProof: z.string().min(32).optional(),
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
  maxResponsesPerSession: z.number().int().positive().default(8),
  /** How long a stopping streamer lets running responses finish. */
  drainSeconds: z.number().nonnegative().default(5),
  logLevel: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug']).default('info'),
});

/** Parent to child, once, right after the fork. */
export const parentMessageSchema = z.object({ type: z.literal('start'), settings: streamerSettingsSchema });

/** Child to parent. */
export const childMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('listening'), port: z.number().int(), opsPort: z.number().int() }),
  z.object({ type: z.literal('fatal'), reason: z.string() }),
]);

export type StreamerKeys = z.infer<typeof streamerKeysSchema>;
export type StreamerSettings = z.infer<typeof streamerSettingsSchema>;
export type ParentMessage = z.infer<typeof parentMessageSchema>;
export type ChildMessage = z.infer<typeof childMessageSchema>;
