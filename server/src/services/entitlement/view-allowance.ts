import type { ViewLimit } from '../../../contracts';
import type { Origin } from '../../tokens/playback-token';

/** How often one video may be watched within a window of time. */
export interface ViewAllowance extends ViewLimit {
  /** Whose views are counted together. */
  subject: string;
  video: string;
}

/** Null: no limit. Public visitors and API tokens stand for many people. */
export function viewAllowanceFor(origin: Origin, video: string, views: ViewLimit | null): ViewAllowance | null {
  if (origin.kind !== 'user' || views === null) return null;
  return { subject: `user:${origin.id}`, video, ...views };
}
