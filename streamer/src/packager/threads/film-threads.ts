import type { AssetPlan } from '../asset-plan';
import type { CutSegment, FilmWorker, PlannedFile, StoredRendition } from '../film-task';
import type { RunBytes, RunOrder } from '../run-cut';
import type { SegmentOrder } from '../segment-order';
import type { CodingOrder, StreamCoding } from '../stream-coding';
import type { ThreadLimits } from './film-thread';
import { ThreadGroup } from './thread-group';

export interface FilmThreadsOptions {
  /** The built `packager-thread`. */
  entry: string;
  /** How many threads cut. */
  count: number;
  onLost(): void;
  limits?: ThreadLimits | undefined;
}

/** More would only add memory: one reads the disk while the other computes. */
const CUTS_PER_THREAD = 2;
/** Some five seconds of work; a player that waits longer asks again. */
const MAX_WAITING_PER_THREAD = 128;
/** Over all threads that cut. A film of two hours takes some 50 MB; opening it again takes a fifth of a second. */
const OPEN_FILMS_BYTES = 256 * 1024 * 1024;
const MAX_OPEN_FILMS = 24;
const PLANS_AT_A_TIME = 4;
/** A film that has been planned is cut by another thread. */
const PLANNED_FILMS = { films: 1, bytes: OPEN_FILMS_BYTES };
const MAX_WAITING_PLANS = 128;

/** What structured cloning made a Uint8Array is a Buffer again. The bytes are not copied. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Does the work on films in threads beside the one that serves. Planning has a thread of its own, so that a film that is
 * long, or hostile, and takes seconds to plan keeps no other film from playing.
 */
export class FilmThreads implements FilmWorker {
  readonly #cutting: ThreadGroup;
  readonly #planning: ThreadGroup;

  constructor({ count, ...common }: FilmThreadsOptions) {
    const maxWaiting = MAX_WAITING_PER_THREAD * count;
    const openFilms = { films: MAX_OPEN_FILMS, bytes: Math.floor(OPEN_FILMS_BYTES / count) };
    const cutting = { threads: count, tasksPerThread: CUTS_PER_THREAD, maxWaiting, openFilms };
    this.#cutting = new ThreadGroup({ ...common, ...cutting });
    const planning = { threads: 1, tasksPerThread: PLANS_AT_A_TIME, maxWaiting: MAX_WAITING_PLANS };
    this.#planning = new ThreadGroup({ ...common, ...planning, openFilms: PLANNED_FILMS });
  }

  plan(renditions: StoredRendition[]): Promise<AssetPlan> {
    return this.#planning.run('', { kind: 'plan', args: [renditions] });
  }

  async cutSegment(file: PlannedFile, order: SegmentOrder): Promise<CutSegment> {
    const { bytes, digest } = await this.#cutting.run(file.path, { kind: 'cutSegment', args: [file, order] });
    return { bytes: asBuffer(bytes), digest };
  }

  readRun(file: PlannedFile, order: RunOrder): Promise<RunBytes> {
    return this.#cutting.run(file.path, { kind: 'readRun', args: [file, order] });
  }

  async readCoding(file: PlannedFile, order: CodingOrder): Promise<StreamCoding> {
    const coding = await this.#cutting.run(file.path, { kind: 'readCoding', args: [file, order] });
    const tracks = Object.entries(coding).map(([kind, track]) => {
      return [kind, { ...track, description: track.description && asBuffer(track.description) }];
    });
    return Object.fromEntries(tracks);
  }

  async close(): Promise<void> {
    await Promise.all([this.#cutting.close(), this.#planning.close()]);
  }
}
