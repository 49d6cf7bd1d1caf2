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

function startThread(entry: string, task: InspectionTask): Worker {
  return new Worker(entry, {
    workerData: task,
    // What a parser of hostile bytes might be made to do, it does without the site's secrets at hand.
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
}

/**
 * `inspectFilm` in a thread of its own: a file of a few hundred bytes can promise four billion samples, and whoever
 * counts them answers nobody else meanwhile (T24). What takes too long or too much memory is refused. Throws what the
 * file system throws.
 */
export function inspectApart(entry: string, task: InspectionTask, timeoutMs = TIMEOUT_MS): Promise<FilmInspection> {
  return new Promise((resolve, reject) => {
    const thread = startThread(entry, task);
    const refuse = () => resolve({ refusal: refusal('film-is-too-complex', task.fileName) });
    const timer = setTimeout(() => void thread.terminate(), timeoutMs);
    thread.once('message', (inspection: FilmInspection) => resolve(inspection));
    thread.once('error', (error) => (hasErrno(error, 'ERR_WORKER_OUT_OF_MEMORY') ? refuse() : reject(error)));
    thread.once('exit', () => {
      clearTimeout(timer);
      refuse();
    });
  });
}
