import { Worker } from 'node:worker_threads';
import { hasErrno } from '../storage-error';
import type { FilmInspection } from './film-inspection';
import { refusal } from './refusal';

/** Longer than the inspection gives itself: what does not end by then hangs in a loop that no timer interrupts. */
const TIMEOUT_MS = 22_000;
const MAX_HEAP_MB = 512;

export interface InspectionTask {
  path: string;
  /** Only goes into the sentence. */
  fileName: string;
}

function startThread(entry: string): Worker {
  const thread = new Worker(entry, {
    // What a parser of hostile bytes might be made to do, it does without the site's secrets at hand.
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  // A thread that waits keeps no process alive, and one that cannot even start is noticed by the film that needs it.
  thread.unref();
  thread.on('error', () => {});
  return thread;
}

/** Gives one film to a thread. `isFit` tells whether the thread can take another one afterwards. */
function runTask(thread: Worker, task: InspectionTask, timeoutMs: number) {
  return new Promise<{ inspection: FilmInspection; isFit: boolean }>((resolve, reject) => {
    const settle = (inspection: FilmInspection, isFit: boolean) => resolve({ inspection, isFit });
    const refuse = () => settle({ refusal: refusal('film-is-too-complex', task.fileName) }, false);
    const timer = setTimeout(() => void thread.terminate(), timeoutMs);
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
 * counts them answers nobody else meanwhile (T24). Films that come at once get a thread each; one is kept waiting,
 * because loading the parsers takes a good part of the time in which a film should be playable.
 */
export class FilmInspector {
  #idle: Worker | null = null;
  #isClosed = false;

  constructor(
    private readonly entry: string,
    private readonly timeoutMs = TIMEOUT_MS,
  ) {}

  /** Starts the thread that waits, if there is none. */
  prepare(): void {
    if (!this.#idle) this.#keep(this.#start());
  }

  /** What takes too long or too much memory is refused. Throws what the file system throws. */
  async inspect(task: InspectionTask): Promise<FilmInspection> {
    const thread = this.#idle ?? this.#start();
    this.#idle = null;
    const { inspection, isFit } = await runTask(thread, task, this.timeoutMs);
    if (isFit) this.#keep(thread);
    return inspection;
  }

  /** Ends the thread that waits; none is kept from now on. */
  close(): void {
    this.#isClosed = true;
    void this.#idle?.terminate();
    this.#idle = null;
  }

  #keep(thread: Worker): void {
    if (this.#idle || this.#isClosed) {
      void thread.terminate();
      return;
    }
    this.#idle = thread;
  }

  #start(): Worker {
    const thread = startThread(this.entry);
    thread.once('exit', () => {
      if (this.#idle === thread) this.#idle = null;
    });
    return thread;
  }
}
