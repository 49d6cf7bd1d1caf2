/** Why a file was not taken. Stable; editors see the sentence, programs the code. */
export type FilmRefusalCode =
  | 'film-is-not-a-film'
  | 'film-is-playlist'
  | 'film-is-incomplete'
  | 'film-has-unknown-format'
  | 'film-has-no-playable-track'
  | 'film-has-hidden-lead-in'
  | 'film-is-too-complex'
  | 'film-is-empty';

export interface FilmRefusal {
  code: FilmRefusalCode;
  /** For an editor: names the file and says what is wrong with it. */
  sentence: string;
}

const SENTENCES: Record<FilmRefusalCode, (fileName: string, detail: string) => string> = {
  'film-is-not-a-film': (name, detail) => `“${name}” is not a film: its content is ${detail}.`,
  'film-is-playlist': (name) => `“${name}” is a text playlist, not a film.`,
  'film-is-incomplete': (name) => `“${name}” is incomplete: the upload or the export was cut off.`,
  'film-has-unknown-format': (name, detail) =>
    `“${name}” cannot be played: its format (${detail}) is not supported. Export it as MP4, then upload it.`,
  'film-has-no-playable-track': (name, detail) =>
    `“${name}” cannot be played: it has no picture or sound in a format that browsers know (${detail}).`,
  'film-has-hidden-lead-in': (name) =>
    `“${name}” was trimmed, but the part that was cut off is still inside the file. Export it again, then upload it.`,
  'film-is-too-complex': (name) => `“${name}” could not be checked: it is damaged or has too many tracks.`,
  'film-is-empty': (name) => `“${name}” is empty.`,
};

/** Longer names would make the sentence unreadable; the full one is in the editor's own list. */
const MAX_SHOWN_NAME = 120;

export function refusal(code: FilmRefusalCode, fileName: string, detail = ''): FilmRefusal {
  const shown = fileName.length > MAX_SHOWN_NAME ? `${fileName.slice(0, MAX_SHOWN_NAME)}…` : fileName;
  return { code, sentence: SENTENCES[code](shown, detail) };
}
