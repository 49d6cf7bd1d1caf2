import { Worker } from 'node:worker_threads';
import { hasErrno } from '../storage-error';
import type { FilmInspection } from './film-inspection';
import type { InspectionLimits } from './inspection-config';
import { refusal } from './refusal';

/** More than the inspection gives itself: what does not end by then hangs in a loop that no timer interrupts. */
const GRACE_MS = 2_000;
/** At one time. More films wait: each may take as much memory as one may. */
const MAX_THREADS = 4;

export interface InspectionTask {
  path: string;
  /** Only goes into the sentence. */
  fileName: string;
  limits: InspectionLimits;
}

export interface FilmInspectorOptions {
  /** The built thread. */
  entry: string;
  /** Of each thread, beside what it reads at once. */
  heapMegabytes: number;
}

function startThread({ entry, heapMegabytes }: FilmInspectorOptions): Worker {
  const thread = new Worker(entry, {
    // What a parser of hostile bytes might be made to do, it does without the site's secrets at hand.
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  // A thread that waits keeps no process alive, and one that cannot even start is noticed by the film that needs it.
  thread.unref();
  thread.on('error', () => {});
  return thread;
}

/** Gives one film to a thread. `isFit` tells whether the thread can take another one afterwards. */
function runTask(thread: Worker, task: InspectionTask) {
  return new Promise<{ inspection: FilmInspection; isFit: boolean }>((resolve, reject) => {
    const settle = (inspection: FilmInspection, isFit: boolean) => resolve({ inspection, isFit });
    const refuse = () => settle({ refusal: refusal('film-is-too-complex', task.fileName) }, false);
    const timer = setTimeout(() => void thread.terminate(), task.limits.timeoutSeconds * 1000 + GRACE_MS);
    const onMessage = (inspection: FilmInspection) => {
      clearTimeout(timer);
      thread.off('error', onError).off('exit', onExit);
      settle(inspection, true);
    };
    const onError = (error: Error) => (hasErrno(error, 'ERR_WORKER_OUT_OF_MEMORY') ? refuse() : reject(error));
    const onExit = () => {
      clearTimeout(timer);
      refuse();
    };
    thread.once('message', onMessage).once('error', onError).once('exit', onExit);
    thread.postMessage(task);
  });
}

/**
 * `inspectFilm` in a thread beside Strapi's: a file of a few hundred bytes can promise four billion samples, and whoever
 * counts them answers nobody else meanwhile (T24). Films that come at once get a thread each, up to a few; one is kept
 * waiting, because loading the parsers takes a good part of the time in which a film should be playable.
 */
export class FilmInspector {
  #idle: Worker | null = null;
  #isClosed = false;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly options: FilmInspectorOptions) {}

  /** Starts the thread that waits, if there is none. */
  prepare(): void {
    if (!this.#idle) this.#keep(this.#start());
  }

  /** What takes too long or too much memory is refused. Throws what the file system throws. */
  async inspect(task: InspectionTask): Promise<FilmInspection> {
    if (this.#running >= MAX_THREADS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await this.#inspect(task);
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  /** Ends the thread that waits; none is kept from now on. */
  close(): void {
    this.#isClosed = true;
    void this.#idle?.terminate();
    this.#idle = null;
  }

  async #inspect(task: InspectionTask): Promise<FilmInspection> {
    const thread = this.#idle ?? this.#start();
    this.#idle = null;
    const { inspection, isFit } = await runTask(thread, task);
    if (isFit) this.#keep(thread);
    return inspection;
  }

  #keep(thread: Worker): void {
    if (this.#idle || this.#isClosed) {
      void thread.terminate();
      return;
    }
    this.#idle = thread;
  }

  #start(): Worker {
    const thread = startThread(this.options);
    thread.once('exit', () => {
      if (this.#idle === thread) this.#idle = null;
    });
    return thread;
  }
}
