import { z } from 'zod';
import { auditReferenceSchema } from './audit-api';
import { textTrackFactsSchema } from './text-tracks';

/** POST /api/protected-vod/videos/:documentId/playback-token: what a permitted caller gets. */
export const playbackTokenAnswerSchema = z.object({
  data: z.object({
    token: z.string(),
    /** ISO 8601. The token must be used by then; the session it opens lives on. */
    expiresAt: z.iso.datetime(),
    expiresInSeconds: z.number().int().positive(),
    durationSeconds: z.number().nonnegative(),
    /** Only what the caller may use is present. */
    urls: z.object({
      hls: z.url().optional(),
      dash: z.url().optional(),
      mp4: z.url().optional(),
      httpFlv: z.url().optional(),
      wsFlv: z.url().optional(),
      /** Only where RTMP can be reached: on loopback, or at the site's `streamer.rtmp.publicUrl`. */
      rtmp: z.url().optional(),
      download: z.url().optional(),
    }),
    /**
     * Address of the poster. One that an editor picked from the Media Library is public by that choice; one that was made of the
     * film can be fetched for at least twelve hours, without opening a session.
     */
    poster: z.string().nullable(),
    /** Address of WebVTT whose cues name parts of one picture, for the seek bar; null: none was made, or not yet. */
    storyboard: z.url().nullable(),
    /** Each as one WebVTT file, for players that are given the film as such; HLS and DASH name theirs themselves. */
    textTracks: z.array(textTrackFactsSchema.extend({ url: z.url() })),
    /** Address of the chapters among them that are the default. */
    chapters: z.url().nullable(),
    /** Address of the peaks of a film without a picture, as JSON; null: it has one, or none were made yet. */
    waveform: z.url().nullable(),
  }),
});

export type PlaybackTokenAnswer = z.infer<typeof playbackTokenAnswerSchema>;

/** What a refused caller gets, in Strapi's error shape. */
export const playbackRefusalSchema = z.object({
  data: z.null(),
  error: z.object({
    status: z.number().int(),
    name: z.literal('PlaybackRefused'),
    message: z.string(),
    details: z.object({
      /** One of `PUBLIC_REFUSALS`. */
      code: z.string(),
      /** An editor finds the exact reason in the audit under it; missing where nothing was written down. */
      reference: auditReferenceSchema.optional(),
      /** With `rate-limited`: as the header `Retry-After`. */
      retryAfterSeconds: z.number().int().positive().optional(),
    }),
  }),
});

export type PlaybackRefusal = z.infer<typeof playbackRefusalSchema>;
