import { type DerivedFile, EMBEDDED_TEXT_NAMES, INGEST_KINDS, type IngestKind } from '../../../contracts';
import type { Asset } from '../asset';

interface KindPlan {
  /** Lower comes first. */
  priority: number;
  /** Names of what one job of this kind makes, all or nothing. */
  outputs: readonly string[];
  /** Text tracks: how many of these there are, only the film says. */
  areTexts?: true;
  /** Whether it is made of such a source at all. */
  suits(asset: Pick<Asset, 'tracks'>): boolean;
}

/** What is not known may have a picture: the worker sees. */
const hasPicture = ({ tracks }: Pick<Asset, 'tracks'>): boolean => tracks?.some(({ kind }) => kind === 'video') ?? true;

const isSound = ({ tracks }: Pick<Asset, 'tracks'>): boolean =>
  (tracks?.some(({ kind }) => kind === 'audio') ?? false) && !hasPicture({ tracks });

export const KIND_PLANS: Record<IngestKind, KindPlan> = {
  poster: { priority: 10, outputs: ['poster.jpg'], suits: hasPicture },
  storyboard: { priority: 20, outputs: ['storyboard.jpg', 'storyboard.vtt'], suits: hasPicture },
  texts: { priority: 30, outputs: EMBEDDED_TEXT_NAMES, areTexts: true, suits: () => true },
  waveform: { priority: 40, outputs: ['waveform.json'], suits: isSound },
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

export const kindsFor = (asset: Pick<Asset, 'tracks'>): IngestKind[] =>
  INGEST_KINDS.filter((kind) => KIND_PLANS[kind].suits(asset));

/** Null: an earlier or later version of the plugin had such jobs. */
export function planOf(kind: string): KindPlan | null {
  const known = INGEST_KINDS.find((one) => one === kind);
  return known === undefined ? null : KIND_PLANS[known];
}

/** The kind whose job makes a file of this name. */
export function kindOfOutput(name: string): IngestKind | null {
  return INGEST_KINDS.find((kind) => KIND_PLANS[kind].outputs.includes(name)) ?? null;
}
