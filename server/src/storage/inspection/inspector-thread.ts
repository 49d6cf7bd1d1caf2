import { parentPort } from 'node:worker_threads';
import { z } from 'zod';
import { inspectFilm } from './film-inspection';

const taskSchema = z.object({ path: z.string(), fileName: z.string() });

/** A bundle of its own, run by `FilmInspector`: answers one task after the other, or ends with what `inspectFilm` throws. */
async function run(message: unknown): Promise<void> {
  const { path, fileName } = taskSchema.parse(message);
  parentPort?.postMessage(await inspectFilm(path, fileName));
}

parentPort?.on('message', (message: unknown) => void run(message));
