import { z } from 'zod';

/** `documentId` of a Video entry, as Strapi makes them: 24 lower-case alphanumerics. */
export const documentIdSchema = z.string().regex(/^[a-z0-9]{1,64}$/);

/** Identifies one stored source; equals the `documentId` of its asset row. */
export const assetIdSchema = z.string().regex(/^[a-z0-9]{1,64}$/);

/** Names a guest link to editors; opens nothing. */
export const guestLinkIdSchema = z.string().regex(/^[a-z0-9]{1,64}$/);

/** `gl_` and 32 base64url characters, 24 unpredictable bytes: what a guest shows. */
export const guestLinkSecretSchema = z.string().regex(/^gl_[A-Za-z0-9_-]{32}$/);

/**
 * `ps_` and 40 base64url characters: 18 unpredictable bytes and a 12-byte tag that a streamer can check
 * without asking (see `streamer/src/access/session-tag.ts`).
 */
export const sessionIdSchema = z.string().regex(/^ps_[A-Za-z0-9_-]{40}$/);

/** Compact JWS (RFC 7515 §3.1) of a bounded size, with room for a subject's attributes; nothing about it has been verified. */
export const playbackTokenSchema = z
  .string()
  .max(4096)
  .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);

/** Lower-case hex SHA-256 of a session id: how sessions are named wherever the id itself must not appear. */
export const sessionHashSchema = z.string().regex(/^[0-9a-f]{64}$/);
