import type { IngestReason } from '../../../contracts';

/** Doubled with each failure. */
const MAX_RETRY_SECONDS = 3600;

/** Passing faults of a machine, which say nothing about the film: the job waits for as long as it takes. */
const PASSING: ReadonlySet<IngestReason> = new Set(['disk-full', 'ffmpeg-missing', 'confinement-missing']);

export interface Retry {
  /** How many count after this one. */
  failures: number;
  /** Null: not again. */
  retryInSeconds: number | null;
}

export interface Retries {
  /** After one more failure of a job that had so many. */
  after(failures: number, reason: IngestReason): Retry;
}

export function createRetries({ maxAttempts, retrySeconds }: { maxAttempts: number; retrySeconds: number }): Retries {
  const wait = (failures: number) => Math.min(MAX_RETRY_SECONDS, retrySeconds * 2 ** Math.max(0, failures - 1));
  return {
    after(before, reason) {
      const counted = before + 1;
      if (!PASSING.has(reason)) {
        return { failures: counted, retryInSeconds: counted >= maxAttempts ? null : wait(counted) };
      }
      // One is always left for when it has passed.
      const failures = Math.min(counted, maxAttempts - 1);
      return { failures, retryInSeconds: wait(failures) };
    },
  };
}
