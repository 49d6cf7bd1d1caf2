import type { FilmPoolLimits } from '../film-pool';
import { PackagingError } from '../packaging-error';
import { FilmThread, type Job, type Loss, type ThreadLimits } from './film-thread';
import type { FilmTask, TaskKind, TaskResult } from './thread-message';

export interface ThreadGroupOptions {
  /** The built thread. */
  entry: string;
  threads: number;
  /** Tasks that one thread does at a time: while one reads the disk, another computes. */
  tasksPerThread: number;
  /** Beyond it tasks are refused. */
  maxWaiting: number;
  /** Of each thread. */
  openFilms: FilmPoolLimits;
  onLost(): void;
  limits?: ThreadLimits | undefined;
}

/** Once for a fault of its neighbour on the thread; a second one is its own. */
const MAX_LOSSES = 2;

function lostError(cause: unknown): PackagingError {
  return new PackagingError('asset-unreadable', 'the thread that read the film was lost', { cause });
}

function hashOf(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) >>> 0;
  return hash;
}

/**
 * A bounded number of threads behind one bounded queue. A thread that is lost (by a crash, out of memory, by hanging) takes
 * nobody along: it is replaced, and what it had not finished is done once more; only what hung is not.
 */
export class ThreadGroup {
  readonly #threads: (FilmThread | null)[];
  readonly #waiting: Job[] = [];
  #closed = false;

  constructor(private readonly options: ThreadGroupOptions) {
    // Started now, because loading the muxer takes longer than cutting a segment.
    this.#threads = Array.from({ length: options.threads }, (_, place) => this.#start(place));
  }

  /** Rejects with StalePlan or PackagingError, `overloaded` when too many wait. `film` names what the task reads. */
  run<K extends TaskKind>(film: string, task: FilmTask & { kind: K }): Promise<TaskResult<K>> {
    return new Promise((resolve, reject) => {
      if (this.#closed || this.#waiting.length >= this.options.maxWaiting) {
        reject(new PackagingError('overloaded', 'too many tasks wait for a thread'));
        return;
      }
      // A thread answers with what belongs to the kind of the task.
      const settle = resolve as (result: TaskResult<TaskKind>) => void;
      this.#waiting.push({ task, home: hashOf(film) % this.#threads.length, losses: 0, resolve: settle, reject });
      this.#dispatch();
    });
  }

  /** What is not finished is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) job.reject(lostError(undefined));
    await Promise.all(this.#threads.map((thread) => thread?.terminate()));
  }

  /** First those whose film is open on a free thread, in their order; then whoever waits longest goes where there is room. */
  #dispatch(): void {
    for (const place of this.#threads.keys()) this.#fill(place, (job) => job.home === place);
    for (const place of this.#threads.keys()) this.#fill(place, () => true);
  }

  #fill(place: number, suits: (job: Job) => boolean): void {
    while (this.#loadOf(place) < this.options.tasksPerThread) {
      const index = this.#waiting.findIndex(suits);
      const [job] = index < 0 ? [] : this.#waiting.splice(index, 1);
      if (!job) return;
      const thread = this.#threads[place] ?? this.#start(place);
      this.#threads[place] = thread;
      thread.run(job);
    }
  }

  #loadOf(place: number): number {
    return this.#threads[place]?.load ?? 0;
  }

  #start(place: number): FilmThread {
    const { entry, openFilms, limits } = this.options;
    return new FilmThread({
      entry,
      openFilms,
      limits,
      freed: () => this.#dispatch(),
      lost: (loss) => this.#replace(place, loss),
    });
  }

  #replace(place: number, { hung, unfinished, cause }: Loss): void {
    this.#threads[place] = null;
    hung?.reject(lostError(cause));
    if (!this.#closed) this.options.onLost();
    for (const job of unfinished.toReversed()) {
      job.losses += 1;
      if (this.#closed || job.losses >= MAX_LOSSES) job.reject(lostError(cause));
      else this.#waiting.unshift(job);
    }
    // A thread that cannot even start is tried again only for a task, or it would be so forever.
    if (!this.#closed) this.#dispatch();
  }
}
