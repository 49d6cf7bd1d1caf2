import { INGEST_KINDS, type IngestKind } from '../../../contracts';
import type { Asset } from '../asset';

interface KindPlan {
  /** Lower comes first. */
  priority: number;
  /** Names of what one job of this kind makes, all or nothing. */
  outputs: readonly string[];
  /** Whether it is made of such a source at all. */
  suits(asset: Pick<Asset, 'tracks'>): boolean;
}

/** What is not known may have a picture: the worker sees. */
const hasPicture = ({ tracks }: Pick<Asset, 'tracks'>): boolean => tracks?.some(({ kind }) => kind === 'video') ?? true;

export const KIND_PLANS: Record<IngestKind, KindPlan> = {
  poster: { priority: 10, outputs: ['poster.jpg'], suits: hasPicture },
  storyboard: { priority: 20, outputs: ['storyboard.jpg', 'storyboard.vtt'], suits: hasPicture },
};

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
