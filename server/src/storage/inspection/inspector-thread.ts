import { parentPort } from 'node:worker_threads';
import { Logging, LogLevel } from 'mediabunny';
import { z } from 'zod';
import { inspectFilm } from './film-inspection';
import { inspectionLimitsSchema } from './inspection-config';

const taskSchema = z.object({ path: z.string(), fileName: z.string(), limits: inspectionLimitsSchema });

// What a film makes its demuxer say is not for Strapi's log.
Logging.level = LogLevel.Silent;

/** A bundle of its own, run by `FilmInspector`: answers one task after the other, or ends with what `inspectFilm` throws. */
async function run(message: unknown): Promise<void> {
  const { path, fileName, limits } = taskSchema.parse(message);
  parentPort?.postMessage(await inspectFilm(path, fileName, limits));
}

parentPort?.on('message', (message: unknown) => void run(message));
