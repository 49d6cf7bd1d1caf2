import { toLanguageTag } from '../../packager/track-label';
import type { SoundTrack } from './rung-plan';

const MAX_NAME_CHARACTERS = 100;
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];

let codes: Map<string, string> | null = null;

/** By language of two letters, one of its codes of three (ISO 639-2) that leads back to it. */
function codesByLanguage(): Map<string, string> {
  if (codes !== null) return codes;
  codes = new Map();
  for (const first of LETTERS) {
    for (const second of LETTERS) {
      for (const third of LETTERS) {
        const code = first + second + third;
        const tag = toLanguageTag(code);
        if (tag?.length === 2 && !codes.has(tag)) codes.set(tag, code);
      }
    }
  }
  return codes;
}

/** ISO 639-2 of whatever a film has for it: `deu`, `ger`, `de`, `pt-BR`; `und` for what is no language. */
function languageOf(given: string): string {
  const [language = ''] = toLanguageTag(given)?.split('-') ?? [];
  if (language.length === 3) return language;
  return codesByLanguage().get(language) ?? 'und';
}

/** What a film says of a track of sound, by ffmpeg's names. MP4 has no title of a track: its handler is named so. */
export function soundLabelOf(values: ReadonlyMap<string, string>): Pick<SoundTrack, 'language' | 'name'> {
  const title = (values.get('title') || values.get('handler_name') || '').replace(/[\s\p{Cc}]+/gu, ' ').trim();
  const name = [...title].slice(0, MAX_NAME_CHARACTERS).join('');
  return { language: languageOf(values.get('language') ?? ''), name: name === '' ? null : name };
}
