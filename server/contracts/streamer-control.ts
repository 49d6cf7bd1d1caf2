import { z } from 'zod';
import { sessionHashSchema } from './ids';
import { streamerPortsSchema } from './streamer-process';

/** HKDF label below the streamer's credential: the key by which both ends of the control socket prove themselves (S4). */
export const CONTROL_KEY_LABEL = 'protected-vod/control';

/** Longest line of the conversation; what is longer ends it. */
export const MAX_CONTROL_LINE = 64 * 1024;

const nonceSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const proofSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/**
 * What is proved, or made, from both nonces. Each use has its own word, so that no proof can be sent back or serve
 * for another: `plugin` and `streamer` prove who speaks, `edge` is what the plugin's proxy shows with each request. The
 * last is never sent over the socket: both ends know it.
 */
export type ControlPurpose = 'plugin' | 'streamer' | 'edge';

export interface ControlNonces {
  streamer: string;
  plugin: string;
}

/** The text that the control key signs (HMAC-SHA-256, base64url). */
export function controlTranscript(purpose: ControlPurpose, nonces: ControlNonces): string {
  return `protected-vod ${purpose} ${nonces.streamer} ${nonces.plugin}`;
}

/** Plugin to streamer: JSON, one message a line. `hello` comes first; the rest only after `welcome`. */
export const pluginControlSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), nonce: nonceSchema, proof: proofSchema }),
  /** From now on the streamer works for this Strapi too. */
  z.object({
    type: z.literal('attach'),
    pid: z.number().int().positive(),
    internalUrl: z.url(),
    /** Origins of the plugin's own pages. */
    corsOrigins: z.array(z.string()),
  }),
  /** This Strapi needs it no more; answered by `detached`. */
  z.object({ type: z.literal('detach') }),
  /** End, drained, whoever is attached. */
  z.object({ type: z.literal('stop') }),
]);

/** Streamer to plugin. `challenge` comes first and holds nothing secret. */
export const streamerControlSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('challenge'), nonce: nonceSchema }),
  z.object({ type: z.literal('welcome'), proof: proofSchema }),
  /** Sent once it serves. */
  z.object({
    type: z.literal('attached'),
    pid: z.number().int().positive(),
    uptimeSeconds: z.number().nonnegative(),
    ports: streamerPortsSchema,
  }),
  /** Whether it goes on, for others. */
  z.object({ type: z.literal('detached'), stays: z.boolean() }),
  z.object({ type: z.literal('memory'), rssBytes: z.number().int().nonnegative() }),
  /** One line of its log. `mine`: this Strapi is the one that prints it. */
  z.object({ type: z.literal('log'), line: z.string(), mine: z.boolean() }),
  /** A session ended: responses that this Strapi relays for it are to be cut off (S15). */
  z.object({ type: z.literal('ended'), session: sessionHashSchema }),
]);

export type PluginControl = z.infer<typeof pluginControlSchema>;
export type StreamerControl = z.infer<typeof streamerControlSchema>;
export type AttachMessage = Extract<PluginControl, { type: 'attach' }>;
export type AttachedMessage = Extract<StreamerControl, { type: 'attached' }>;
