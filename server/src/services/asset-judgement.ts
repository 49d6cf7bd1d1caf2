import { z } from 'zod';
import {
  type Judgement,
  judgementSchema,
  TRANSCODE_REASONS,
  type TranscodeReason,
  VERDICTS,
  type Verdict,
} from '../../contracts';
import type { FilmInspection } from '../storage/inspection/film-inspection';

/** What an asset's row says of the film's judgement. Null: it has none yet. */
export const judgedSchema = z.object({
  verdict: z.enum(VERDICTS).nullish(),
  verdictReason: z.string().nullish(),
  verdictSentence: z.string().nullish(),
});

export type Judged = z.infer<typeof judgedSchema>;

const PLAYED: ReadonlySet<Verdict | null | undefined> = new Set<Verdict>(['playable', 'playable-and-better-later']);
const transcodeReasonSchema = z.enum(TRANSCODE_REASONS);

/** Whether the source itself may be delivered, over any protocol. What has not been judged may not. */
export function isSourcePlayed({ verdict }: Judged): boolean {
  return PLAYED.has(verdict);
}

/** Why nothing of the source may be delivered, where that can change; null: it cannot. */
export function unpreparedReason({ verdict, verdictReason }: Judged): TranscodeReason | 'asset-not-judged' | null {
  if (verdict == null) return 'asset-not-judged';
  if (verdict !== 'transcode-first') return null;
  return transcodeReasonSchema.safeParse(verdictReason).data ?? 'asset-not-judged';
}

/** For the row of a film. Null: it is to be judged later. */
export function columnsOf(judgement: Judgement | null): Required<Judged> {
  const { verdict = null, reason = null, sentence = null } = judgement ?? {};
  return { verdict, verdictReason: reason, verdictSentence: sentence };
}

/** The same for one that is stored already, and may be refused now. */
export function judgementColumns(inspection: FilmInspection): Required<Judged> {
  if ('judgement' in inspection) return columnsOf(inspection.judgement);
  const { code, sentence } = inspection.refusal;
  return { verdict: 'refused', verdictReason: code, verdictSentence: sentence };
}

/** The same as the film's metadata file tells it; undefined: there is none, or it is to be made again. */
export function judgementOf({ verdict, verdictReason: reason, verdictSentence: sentence }: Judged) {
  return judgementSchema.safeParse({ verdict, reason, sentence }).data;
}
