import type { Origin } from '../../tokens/playback-token';
import type { EffectivePolicy } from '../role-policies/effective-policy';

/** How many sessions may exist at one time, and what one more does (S9). */
export interface Concurrency {
  /** Whose sessions are counted together. */
  subject: string;
  limit: number;
  atLimit: EffectivePolicy['atLimit'];
}

/** Null: no limit. Public visitors, API tokens and guest links stand for many people; editors only look. */
export function concurrencyFor(
  origin: Origin,
  { maxConcurrent, atLimit }: Pick<EffectivePolicy, 'maxConcurrent' | 'atLimit'>,
): Concurrency | null {
  if (origin.kind !== 'user' || maxConcurrent === null) return null;
  return { subject: `user:${origin.id}`, limit: maxConcurrent, atLimit };
}
