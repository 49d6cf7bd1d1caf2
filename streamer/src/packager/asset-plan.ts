import type { Film } from './film';
import type { StoredRendition } from './film-task';
import type { Presentation } from './presentation';
import { planRendition, type TrackPlan } from './track-plan';

/** One asset as published, with the way back to its bytes. */
export interface AssetPlan {
  presentation: Presentation;
  tracks: ReadonlyMap<string, TrackPlan>;
  /** Whether every rendition could be planned. */
  isWhole: boolean;
}

/** Opens the film at a path for the length of `task`. */
export type UseFilm = <T>(path: string, task: (film: Film) => Promise<T>) => Promise<T>;

/**
 * Every rendition follows the cuts of the first one that has a picture, so that players can switch between them. What cannot
 * be read is left out as long as anything can: throws what was wrong with the first.
 */
export async function planAsset(renditions: readonly StoredRendition[], useFilm: UseFilm): Promise<AssetPlan> {
  const plans: TrackPlan[] = [];
  const faults: unknown[] = [];
  let guide: number[] | undefined;
  for (const { path, ...rendition } of renditions) {
    try {
      const planned = await useFilm(path, (film) => planRendition(film, rendition, guide));
      plans.push(...planned);
      const video = planned.find(({ track }) => track.kind === 'video');
      guide ??= video?.track.segments.slice(1).map((segment) => segment.startSeconds);
    } catch (error) {
      faults.push(error);
    }
  }
  if (plans.length === 0) throw faults[0];
  const tracks = plans.map(({ track }) => track);
  const ends = tracks.map(({ segments }) => {
    const last = segments.at(-1);
    return last ? last.startSeconds + last.durationSeconds : 0;
  });
  return {
    presentation: { durationSeconds: Math.max(...ends), tracks },
    tracks: new Map(plans.map((plan) => [plan.track.id, plan])),
    isWhole: faults.length === 0,
  };
}
