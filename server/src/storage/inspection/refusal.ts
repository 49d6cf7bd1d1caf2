import type { InspectionLimits } from './inspection-config';

/** Why a file was not taken. Stable; editors see the sentence, programs the code. */
export type FilmRefusalCode =
  | 'film-is-not-a-film'
  | 'film-is-playlist'
  | 'film-is-incomplete'
  | 'film-is-encrypted'
  | 'film-has-unknown-format'
  | 'film-has-too-many-pixels'
  | 'film-is-too-long'
  | 'film-has-too-many-tracks'
  | 'film-has-too-many-samples'
  | 'film-has-too-many-pictures'
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
  'film-is-encrypted': (name) => `“${name}” is encrypted (copy protection), so it cannot be played.`,
  'film-has-unknown-format': (name, detail) =>
    `“${name}” cannot be played: its format (${detail}) is not supported. Export it as MP4, then upload it.`,
  'film-has-too-many-pixels': (name, detail) => `The picture of “${name}” is too large: ${detail}.`,
  'film-is-too-long': (name, detail) => `“${name}” is too long: ${detail}.`,
  'film-has-too-many-tracks': (name, detail) => `“${name}” has too many tracks: ${detail}.`,
  'film-has-too-many-samples': (name, detail) => `“${name}” has too many samples: ${detail}.`,
  'film-has-too-many-pictures': (name, detail) => `“${name}” has too many pictures per second: ${detail}.`,
  'film-is-too-complex': (name) => `“${name}” could not be checked: it is damaged or its tables are too large.`,
  'film-is-empty': (name) => `“${name}” is empty.`,
};

/** Longer names would make the sentence unreadable; the full one is in the editor's own list. */
const MAX_SHOWN_NAME = 120;

export function shownName(fileName: string): string {
  return fileName.length > MAX_SHOWN_NAME ? `${fileName.slice(0, MAX_SHOWN_NAME)}…` : fileName;
}

export function refusal(code: FilmRefusalCode, fileName: string, detail = ''): FilmRefusal {
  return { code, sentence: SENTENCES[code](shownName(fileName), detail) };
}

type Limit = Exclude<keyof InspectionLimits, 'timeoutSeconds'>;

const OF_LIMIT: Record<Limit, { code: FilmRefusalCode; unit: string }> = {
  maxSidePixels: { code: 'film-has-too-many-pixels', unit: ' pixels on a side' },
  maxDurationSeconds: { code: 'film-is-too-long', unit: ' seconds' },
  maxTracks: { code: 'film-has-too-many-tracks', unit: '' },
  maxSamples: { code: 'film-has-too-many-samples', unit: ' in one track' },
  maxFrameRate: { code: 'film-has-too-many-pictures', unit: '' },
};

/** What is put into words of a number that came out of a file. */
function shownNumber(value: number): string {
  return Number.isFinite(value) ? value.toLocaleString('en-GB', { maximumFractionDigits: 2 }) : 'without end';
}

/** Null: `value` is within the limit. What is no number is beyond every limit. */
export function beyond(limits: InspectionLimits, limit: Limit, value: number, fileName: string): FilmRefusal | null {
  if (value <= limits[limit]) return null;
  const { code, unit } = OF_LIMIT[limit];
  const allowed = `this site allows ${shownNumber(limits[limit])} (inspection.${limit})`;
  return refusal(code, fileName, `${shownNumber(value)}${unit}; ${allowed}`);
}
