import { z } from 'zod';
import { type TextTrackFacts, textTrackFactsSchema, textTrackIdSchema } from './text-tracks';

/** Why a text was not taken; `line` (from 1) tells where. Stable. */
export const TEXT_PROBLEMS = {
  'text-too-large': 'The text is larger than 1 MB.',
  'text-not-utf8': 'The text is not in UTF-8. Save it in that encoding and upload it again.',
  'text-no-cues': 'There is no cue in the text.',
  'text-too-many-cues': 'There are too many cues in the text.',
  'text-block-unclear': 'This is neither a cue nor a comment. Is there an empty line within a cue?',
  'text-times-unclear': 'The times of this cue cannot be read.',
  'text-times-backwards': 'This cue ends before it begins.',
  'text-cue-too-long': 'There is too much text in this cue.',
  'text-too-many-tracks': 'This film has as many text tracks as it may have.',
} as const;

export type TextProblemCode = keyof typeof TEXT_PROBLEMS;

/** One text track as administrators are told of it. */
export const textTrackEntrySchema = textTrackFactsSchema.extend({
  id: textTrackIdSchema,
  /** Found in the film; else uploaded. */
  isEmbedded: z.boolean(),
  sizeBytes: z.number().int().nonnegative(),
});

/** Of `GET /protected-vod/assets/:assetId/text-tracks`. */
export const textTracksSchema = z.object({ data: z.array(textTrackEntrySchema) });

/** Of `POST` there. */
export const addedTextTrackSchema = z.object({ data: textTrackEntrySchema });

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

/** Query of `POST` there; the body is the text itself, as `application/octet-stream`. */
export const textTrackQuerySchema = z
  .strictObject({ ...textTrackFactsSchema.shape, default: flag, forced: flag })
  .refine(({ kind, forced }) => !forced || kind !== 'chapters', 'Chapters cannot be forced: they are not shown.')
  .transform(({ forced, ...facts }): TextTrackFacts => ({ ...facts, ...(forced && { forced }) }));

export type TextTrackEntry = z.infer<typeof textTrackEntrySchema>;
