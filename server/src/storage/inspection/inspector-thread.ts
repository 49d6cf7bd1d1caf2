import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { inspectFilm } from './film-inspection';

const taskSchema = z.object({ path: z.string(), fileName: z.string() });

/** A bundle of its own, run by `inspectApart`: answers one inspection, or ends with what `inspectFilm` throws. */
async function run(): Promise<void> {
  const { path, fileName } = taskSchema.parse(workerData);
  parentPort?.postMessage(await inspectFilm(path, fileName));
}

void run();
