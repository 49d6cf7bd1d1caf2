import type { ListedText } from '../packager/listed-text';
import { formatAttributes, quoted } from './attribute-list';

/** The group that every variant names. */
export const TEXT_GROUP = 'text';

/** What Apple's players take for captions: speech and other sounds are written out. */
const TRANSCRIBED = 'public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound';

/** What a player that chooses by itself can tell texts apart by. */
const choiceOf = ({ kind, language, isForced }: ListedText): string => `${kind} ${language ?? ''} ${isForced}`;

/**
 * The EXT-X-MEDIA lines (RFC 8216 §4.3.4.1) of the film's texts. One is the default at most, and of those that a player might
 * choose by itself, each differs from the others (§4.3.4.1.1).
 */
export function formatTextGroup(texts: readonly ListedText[]): string[] {
  const first = texts.find(({ isDefault }) => isDefault);
  // A default one is chosen automatically, too: nothing else may be what it is.
  const taken = new Set(first && [choiceOf(first)]);
  return texts.map((text) => {
    const { id, kind, language, name, isForced } = text;
    const isChosen = text === first || !taken.has(choiceOf(text));
    taken.add(choiceOf(text));
    const attributes = formatAttributes({
      TYPE: 'SUBTITLES',
      'GROUP-ID': quoted(TEXT_GROUP),
      NAME: quoted(name),
      LANGUAGE: language === undefined ? undefined : quoted(language),
      DEFAULT: text === first ? 'YES' : 'NO',
      AUTOSELECT: isChosen ? 'YES' : 'NO',
      FORCED: isForced ? 'YES' : 'NO',
      CHARACTERISTICS: kind === 'captions' ? quoted(TRANSCRIBED) : undefined,
      URI: quoted(`text/${id}/media.m3u8`),
    });
    return `#EXT-X-MEDIA:${attributes}`;
  });
}
