import {
  escapeCueText,
  formatWebVtt,
  MAX_TEXT_BYTES,
  publishedCues,
  type RawCue,
  readWebVttCues,
  type TextTrackFacts,
  type TextTrackKind,
  textTrackFactsSchema,
} from '../../../../server/contracts';
import { toLanguageTag } from '../../packager/track-label';
import type { EmbeddedChapter, EmbeddedSubtitles } from '../tools/film-texts';
import type { TrackFlags } from '../tools/track-flags';

/** How films name subtitles that also tell what is to be heard. */
const FOR_THE_DEAF = /\b(?:sdh|cc)\b|hearing|captions/i;

/** Into player time; what is over before that begins, or is shown for no time, is not shown. */
function shifted(cues: readonly RawCue[], originMs: number): RawCue[] {
  return cues
    .map((cue) => ({ ...cue, startMs: Math.max(0, cue.startMs - originMs), endMs: cue.endMs - originMs }))
    .filter(({ startMs, endMs }) => endMs > startMs);
}

function publish(cues: readonly RawCue[], kind: TextTrackKind): string | null {
  const published = publishedCues(cues, kind);
  return 'problem' in published ? null : formatWebVtt(published.cues);
}

/** What is published of WebVTT that ffmpeg wrote. Null: there is nothing to be read, or it cannot be. */
export function publishSubtitles(text: string | null, originMs: number): string | null {
  if (text === null || text.length > MAX_TEXT_BYTES) return null;
  const read = readWebVttCues(text, 'append');
  return 'problem' in read ? null : publish(shifted(read.cues, originMs), 'subtitles');
}

/** Null: none has a name. */
export function publishChapters(chapters: readonly EmbeddedChapter[], originMs: number): string | null {
  const cues = chapters.map(({ start, end, title }, at) => {
    const times = { startMs: Math.round(start * 1000), endMs: Math.round(end * 1000) };
    return { ...times, settings: '', text: escapeCueText(title), line: at };
  });
  return publish(shifted(cues, originMs), 'chapters');
}

/** What a film says of its subtitles, by their names and by flags; `number` from 1, for one that has no name. */
export function describeSubtitles(
  { language: code, title }: EmbeddedSubtitles,
  number: number,
  { isDefault, isForced, isForHearingImpaired }: TrackFlags,
): TextTrackFacts {
  const language = toLanguageTag(code) ?? 'und';
  const kind = isForHearingImpaired || FOR_THE_DEAF.test(title) ? 'captions' : 'subtitles';
  const flags = { default: isDefault, ...(isForced && { forced: true }) };
  const spoken = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' }).of(language);
  const fallback = { kind, language, label: (language !== 'und' && spoken) || `Subtitles ${number}`, ...flags };
  const named = { ...fallback, label: [...title.replace(/\s+/g, ' ')].slice(0, 100).join('') };
  return textTrackFactsSchema.safeParse(named).data ?? textTrackFactsSchema.parse(fallback);
}

export const CHAPTERS_FACTS: TextTrackFacts = { kind: 'chapters', language: 'und', label: 'Chapters', default: false };
