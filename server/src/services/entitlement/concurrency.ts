import type { Origin } from '../../tokens/playback-token';
import type { EffectivePolicy } from '../role-policies/effective-policy';

/** How many sessions may exist at one time, and what one more does (S9). */
export interface Concurrency {
  /** Whose sessions are counted together. */
  subject: string;
  limit: number;
  atLimit: EffectivePolicy['atLimit'];
}

/** Whose sessions and views are counted: visitors, API tokens and guest links stand for many people, editors only look. */
export function isOnePerson(origin: Origin): origin is Extract<Origin, { kind: 'user' | 'subject' }> {
  return origin.kind === 'user' || origin.kind === 'subject';
}

/** Null: no limit. */
export function concurrencyFor(
  origin: Origin,
  { maxConcurrent, atLimit }: Pick<EffectivePolicy, 'maxConcurrent' | 'atLimit'>,
): Concurrency | null {
  if (!isOnePerson(origin) || maxConcurrent === null) return null;
  return { subject: `${origin.kind}:${origin.id}`, limit: maxConcurrent, atLimit };
}
