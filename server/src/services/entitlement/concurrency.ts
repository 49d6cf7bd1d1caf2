import type { PluginConfig } from '../../config';
import type { Origin } from '../../tokens/playback-token';

/** How many sessions may exist at one time, and what one more does (S9). */
export interface Concurrency {
  /** Whose sessions are counted together. */
  subject: string;
  limit: number;
  atLimit: PluginConfig['session']['atLimit'];
}

/** Null: no limit. Public visitors and API tokens stand for many people. */
export function concurrencyFor(origin: Origin, session: PluginConfig['session']): Concurrency | null {
  const { maxConcurrent, atLimit } = session;
  if (origin.kind !== 'user' || maxConcurrent === null) return null;
  return { subject: `user:${origin.id}`, limit: maxConcurrent, atLimit };
}
