import type { ViewLimit } from '../../../contracts';
import type { Origin } from '../../tokens/playback-token';
import { isOnePerson } from './concurrency';
import { type Denial, deny } from './decision';

/** How often one video may be watched within a window of time, or ever. */
export interface ViewAllowance {
  /** Whose views are counted together. */
  subject: string;
  video: string;
  limit: number;
  /** Null: views count for ever. */
  windowSeconds: number | null;
  /** What is said when there is none left. */
  usedUp: Denial;
}

/** Null: no limit. */
export function viewAllowanceFor(origin: Origin, video: string, views: ViewLimit | null): ViewAllowance | null {
  if (!isOnePerson(origin) || views === null) return null;
  const subject = `${origin.kind}:${origin.id}`;
  return { subject, video, ...views, usedUp: deny('view-limit', 'too-many-views') };
}
