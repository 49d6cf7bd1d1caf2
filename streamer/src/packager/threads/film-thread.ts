import { Worker } from 'node:worker_threads';
import type { FilmPoolLimits } from '../film-pool';
import { type AnswerMessage, type FilmTask, fromFault, type TaskKind, type TaskResult } from './thread-message';

/** What a task may take before its thread is ended. */
export interface ThreadLimits {
  taskMs: number;
  heapMegabytes: number;
}

const DEFAULT_LIMITS: ThreadLimits = {
  // Longer than a slow disk needs for a segment: what does not end by then hangs in a loop that no timer interrupts.
  taskMs: 30_000,
  // Media lies outside the heap; the sample tables of long films lie in it.
  heapMegabytes: 512,
};

/** A task and who waits for it. */
export interface Job {
  task: FilmTask;
  /** The thread where its film is open already, or will be. */
  home: number;
  /** How many threads were lost while they did it. */
  losses: number;
  resolve(result: TaskResult<TaskKind>): void;
  reject(error: unknown): void;
}

/** What a thread leaves behind. */
export interface Loss {
  /** What it was ended for, if it was. */
  hung: Job | null;
  unfinished: Job[];
  cause: unknown;
}

export interface FilmThreadOptions {
  /** The built thread. */
  entry: string;
  /** How many films it may hold open. */
  openFilms: FilmPoolLimits;
  limits?: ThreadLimits | undefined;
  /** A job is done, well or badly. */
  freed(): void;
  /** Called once, also after `terminate`. */
  lost(loss: Loss): void;
}

interface Running {
  job: Job;
  timer: NodeJS.Timeout;
}

/** One worker thread and what it is doing. It ends with the first fault that is not one of a film. */
export class FilmThread {
  readonly #limits: ThreadLimits;
  readonly #worker: Worker;
  readonly #running = new Map<number, Running>();
  #lastId = 0;
  #hung: Job | null = null;
  #cause: unknown;

  constructor(private readonly options: FilmThreadOptions) {
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    this.#worker = new Worker(options.entry, {
      // What a parser of hostile bytes might be made to do, it does without the site's secrets at hand.
      env: {},
      execArgv: [],
      workerData: options.openFilms,
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMegabytes },
    });
    // A thread that waits keeps no process alive.
    this.#worker.unref();
    this.#worker.on('message', (message: AnswerMessage) => this.#settle(message));
    this.#worker.on('error', (error) => {
      this.#cause = error;
    });
    this.#worker.once('exit', () => this.#end());
  }

  get load(): number {
    return this.#running.size;
  }

  run(job: Job): void {
    this.#lastId += 1;
    const timer = setTimeout(() => this.#expire(job), this.#limits.taskMs);
    timer.unref();
    this.#running.set(this.#lastId, { job, timer });
    this.#worker.postMessage({ id: this.#lastId, task: job.task });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(message: AnswerMessage): void {
    const running = this.#running.get(message.id);
    if (!running) return;
    clearTimeout(running.timer);
    this.#running.delete(message.id);
    if ('result' in message) running.job.resolve(message.result);
    else running.job.reject(fromFault(message.fault));
    this.options.freed();
  }

  #expire(job: Job): void {
    // What waits beside it expires too, until the thread has ended.
    this.#hung ??= job;
    void this.#worker.terminate();
  }

  #end(): void {
    const jobs = [...this.#running.values()].map(({ job, timer }) => {
      clearTimeout(timer);
      return job;
    });
    this.#running.clear();
    const unfinished = jobs.filter((job) => job !== this.#hung);
    this.options.lost({ hung: this.#hung, unfinished, cause: this.#cause });
  }
}
