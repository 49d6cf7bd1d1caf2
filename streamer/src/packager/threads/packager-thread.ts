import { parentPort, workerData } from 'node:worker_threads';
import type { FilmPoolLimits } from '../film-pool';
import { FilmWork } from '../film-work';
import {
  type AnswerMessage,
  type FilmTask,
  type TaskKind,
  type TaskMessage,
  type TaskResult,
  toFault,
} from './thread-message';

/** What `FilmThread` gives it. */
const openFilms: FilmPoolLimits = workerData;
const work = new FilmWork(openFilms);

function perform(task: FilmTask): Promise<TaskResult<TaskKind>> {
  switch (task.kind) {
    case 'plan':
      return work.plan(...task.args);
    case 'cutSegment':
      return work.cutSegment(...task.args);
    case 'readRun':
      return work.readRun(...task.args);
    case 'readCoding':
      return work.readCoding(...task.args);
  }
}

/** Media changes threads without a copy; the rest is small. */
function movable(result: TaskResult<TaskKind>): ArrayBuffer[] {
  const buffer = 'bytes' in result ? result.bytes.buffer : 'data' in result ? result.data : null;
  return buffer instanceof ArrayBuffer ? [buffer] : [];
}

/** A bundle of its own, run by `ThreadGroup`: answers as many tasks at a time as it is given. */
async function answer({ id, task }: TaskMessage): Promise<void> {
  try {
    const result = await perform(task);
    parentPort?.postMessage({ id, result } satisfies AnswerMessage, movable(result));
  } catch (error) {
    parentPort?.postMessage({ id, fault: toFault(error) } satisfies AnswerMessage);
  }
}

parentPort?.on('message', (message: TaskMessage) => void answer(message));
