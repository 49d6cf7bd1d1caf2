import { z } from 'zod';

/** What can be done with a source as it was uploaded. Of one that is `refused` nothing is kept. */
export const VERDICTS = ['playable', 'playable-and-better-later', 'transcode-first', 'refused'] as const;

/** Why a film cannot be watched until a rendition of it has been made. */
export const TRANSCODE_REASONS = [
  /** The packager does not read the container. */
  'container-needs-transcode',
  'picture-needs-transcode',
  'sound-needs-transcode',
  /** An edit list (ISO/IEC 14496-12 §8.6.6) hides a part that is still in the file. */
  'has-hidden-part',
  /** It says more than where a film begins and ends: another speed, parts in another order. */
  'has-unclear-edits',
] as const;

/** Stable reasons of the verdicts that keep a film. Those of a refusal begin with `film-`. */
export const VERDICT_REASONS = [
  'plays-everywhere',
  /** Some browsers cannot decode it: HEVC, AV1, VP9, 10-bit AVC, AC-3, MP3 … */
  'codec-not-everywhere',
  /** More than ten seconds from one to the next: segments are as long. */
  'key-pictures-are-sparse',
  ...TRANSCODE_REASONS,
] as const;

/** What is said of a film that is kept. */
export const judgementSchema = z.object({
  verdict: z.enum(['playable', 'playable-and-better-later', 'transcode-first']),
  reason: z.enum(VERDICT_REASONS),
  /** For an editor: names the file and says what it means for who wants to watch it. */
  sentence: z.string(),
});

export type Verdict = (typeof VERDICTS)[number];
export type TranscodeReason = (typeof TRANSCODE_REASONS)[number];
export type VerdictReason = (typeof VERDICT_REASONS)[number];
export type Judgement = z.infer<typeof judgementSchema>;
