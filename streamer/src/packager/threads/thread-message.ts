import { describeCause } from '../../errors';
import { type FilmWorker, StalePlan } from '../film-task';
import { asPackagingError, PackagingError, type PackagingErrorCode } from '../packaging-error';

export type TaskKind = keyof FilmWorker;
export type TaskResult<K extends TaskKind> = Awaited<ReturnType<FilmWorker[K]>>;

/** One call of a `FilmWorker` method. */
export type FilmTask = { [K in TaskKind]: { kind: K; args: Parameters<FilmWorker[K]> } }[TaskKind];

/** An error as it crosses to another thread, where its class would be lost. */
export type Fault = 'stale-plan' | { code: PackagingErrorCode; message: string; cause: string };

/** To a thread. */
export interface TaskMessage {
  id: number;
  task: FilmTask;
}

/** From a thread. */
export type AnswerMessage = { id: number } & ({ result: TaskResult<TaskKind> } | { fault: Fault });

export function toFault(error: unknown): Fault {
  if (error instanceof StalePlan) return 'stale-plan';
  const { code, message, cause } = asPackagingError(error);
  return { code, message, cause: describeCause(cause) };
}

export function fromFault(fault: Fault): StalePlan | PackagingError {
  if (fault === 'stale-plan') return new StalePlan();
  return new PackagingError(fault.code, fault.message, { cause: new Error(fault.cause) });
}
