import type { Rendition } from '../../../server/contracts';
import type { AssetPlan } from './asset-plan';
import type { RunBytes, RunOrder } from './run-cut';
import type { SegmentOrder } from './segment-order';
import type { CodingOrder, StreamCoding } from './stream-coding';

export type StoredRendition = Rendition & { path: string };

/** The file that a plan was made from. Another one under its path is not cut by that plan. */
export interface PlannedFile {
  path: string;
  stamp: string;
  /** About how many there are in the film: what it takes to hold it open. */
  packets: number;
}

export interface CutSegment {
  bytes: Buffer;
  /** `contentDigest` of `bytes`. */
  digest: string;
}

/** All that is done with the bytes of films. Rejects with StalePlan or with what `asPackagingError` takes. */
export interface FilmWorker {
  plan(renditions: StoredRendition[]): Promise<AssetPlan>;
  cutSegment(file: PlannedFile, order: SegmentOrder): Promise<CutSegment>;
  readRun(file: PlannedFile, order: RunOrder): Promise<RunBytes>;
  readCoding(file: PlannedFile, order: CodingOrder): Promise<StreamCoding>;
}

/** The file is not the one the plan was made from. */
export class StalePlan extends Error {
  override readonly name = 'StalePlan';
}
