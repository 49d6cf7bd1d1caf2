import { type AssetPlan, planAsset } from './asset-plan';
import { contentDigest } from './content-digest';
import type { Film } from './film';
import { FilmPool, type FilmPoolLimits } from './film-pool';
import { type CutSegment, type FilmWorker, type PlannedFile, StalePlan, type StoredRendition } from './film-task';
import { cutRun, type RunBytes, type RunOrder } from './run-cut';
import { cutSegment } from './segment-cut';
import type { SegmentOrder } from './segment-order';
import { type CodingOrder, readCoding, type StreamCoding } from './stream-coding';

/** Works on films that stay open between tasks. */
export class FilmWork implements FilmWorker {
  readonly #films: FilmPool;

  constructor(openFilms: FilmPoolLimits) {
    this.#films = new FilmPool(openFilms);
  }

  plan(renditions: StoredRendition[]): Promise<AssetPlan> {
    return planAsset(renditions, (path, task) => this.#films.use(path, task));
  }

  cutSegment(file: PlannedFile, order: SegmentOrder): Promise<CutSegment> {
    return this.#use(file, async (film) => {
      const bytes = await cutSegment(film, order);
      return { bytes, digest: contentDigest(bytes) };
    });
  }

  readRun(file: PlannedFile, order: RunOrder): Promise<RunBytes> {
    return this.#use(file, (film) => cutRun(film, order));
  }

  readCoding(file: PlannedFile, order: CodingOrder): Promise<StreamCoding> {
    return this.#use(file, (film) => readCoding(film, order));
  }

  #use<T>({ path, stamp, packets }: PlannedFile, task: (film: Film) => Promise<T>): Promise<T> {
    const checked = (film: Film): Promise<T> => {
      if (film.stamp !== stamp) throw new StalePlan();
      return task(film);
    };
    return this.#films.use(path, checked, packets);
  }
}
