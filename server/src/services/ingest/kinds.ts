import {
  type DerivedFile,
  EMBEDDED_TEXT_NAMES,
  INGEST_KINDS,
  type IngestKind,
  type RungKind,
  rungKindOf,
} from '../../../contracts';
import type { Asset } from '../asset';
import { type LadderFilm, type LadderSettings, rungKindsOf } from './ladder';

interface KindPlan {
  /** Lower comes first. */
  priority: number;
  /** Names of what one job of this kind makes, all or nothing. */
  outputs: readonly string[];
  /** Text tracks: how many of these there are, only the film says. */
  areTexts?: true;
  /** Whether it is made of such a source at all. */
  suits(film: LadderFilm, settings: LadderSettings): boolean;
}

/** What is not known may have a picture: the worker sees. */
const hasPicture = ({ tracks }: Pick<Asset, 'tracks'>): boolean => tracks?.some(({ kind }) => kind === 'video') ?? true;

/** What depends on the length, or on how long a worker may take for it, would stay wrong: it waits for the conversion. */
const isTimed = ({ durationSeconds }: Pick<Asset, 'durationSeconds'>): boolean => durationSeconds > 0;

const isPicture = (film: LadderFilm): boolean => hasPicture(film) && isTimed(film);

const isSound = (film: LadderFilm): boolean =>
  (film.tracks?.some(({ kind }) => kind === 'audio') ?? false) && !hasPicture(film) && isTimed(film);

/** The lowest first, of all films before the next: it helps those most whose connection is worst, and is made fastest. */
const rung = (kind: RungKind, name: string, priority: number): KindPlan => ({
  priority,
  outputs: [`${name}.mp4`],
  suits: (film, settings) => rungKindsOf(film, settings).includes(kind),
});

export const KIND_PLANS: Record<IngestKind, KindPlan> = {
  poster: { priority: 10, outputs: ['poster.jpg'], suits: isPicture },
  storyboard: { priority: 20, outputs: ['storyboard.jpg', 'storyboard.vtt'], suits: isPicture },
  texts: { priority: 30, outputs: EMBEDDED_TEXT_NAMES, areTexts: true, suits: isTimed },
  waveform: { priority: 40, outputs: ['waveform.json'], suits: isSound },
  'rung-full': rung('rung-full', 'full', 100),
  'rung-240': rung('rung-240', '240p', 240),
  'rung-360': rung('rung-360', '360p', 360),
  'rung-480': rung('rung-480', '480p', 480),
  'rung-540': rung('rung-540', '540p', 540),
  'rung-720': rung('rung-720', '720p', 720),
  'rung-1080': rung('rung-1080', '1080p', 1080),
};

/** Whether a job of this kind may report so: all that it makes and nothing else, and of each what has to be known. */
export function areOutputsOf(kind: string, outputs: readonly DerivedFile[]): boolean {
  const plan = planOf(kind);
  const names = new Set(outputs.map(({ name }) => name));
  const isEach = outputs.every(({ name, text }) => {
    return plan?.outputs.includes(name) && (text !== undefined) === (plan.areTexts === true);
  });
  const isAll = plan?.areTexts === true || plan?.outputs.every((name) => names.has(name)) === true;
  return isEach && isAll && names.size === outputs.length;
}

export const kindsFor = (film: LadderFilm, settings: LadderSettings): IngestKind[] =>
  INGEST_KINDS.filter((kind) => KIND_PLANS[kind].suits(film, settings));

/** Null: an earlier or later version of the plugin had such jobs. */
export function planOf(kind: string): KindPlan | null {
  const known = INGEST_KINDS.find((one) => one === kind);
  return known === undefined ? null : KIND_PLANS[known];
}

/** The kind whose job makes a file of this name. */
export function kindOfOutput(name: string): IngestKind | null {
  return INGEST_KINDS.find((kind) => KIND_PLANS[kind].outputs.includes(name)) ?? null;
}

/** The rendition whose file has this name: `360p.mp4` → `360p`; null: it is something else. */
export function renditionOfOutput(name: string): string | null {
  const kind = kindOfOutput(name);
  return kind !== null && rungKindOf(kind) !== null ? name.slice(0, name.lastIndexOf('.')) : null;
}
