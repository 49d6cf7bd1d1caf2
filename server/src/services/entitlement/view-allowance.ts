import type { ViewLimit } from '../../../contracts';
import type { Origin } from '../../tokens/playback-token';
import { isOnePerson } from './concurrency';

/** How often one video may be watched within a window of time. */
export interface ViewAllowance extends ViewLimit {
  /** Whose views are counted together. */
  subject: string;
  video: string;
}

/** Null: no limit. */
export function viewAllowanceFor(origin: Origin, video: string, views: ViewLimit | null): ViewAllowance | null {
  if (!isOnePerson(origin) || views === null) return null;
  return { subject: `${origin.kind}:${origin.id}`, video, ...views };
}
