import { setTimeout as delay } from 'node:timers/promises';
import type { JobReport } from '../../../server/contracts';
import type { JobApi, ReportOutcome } from './job-api';

/** Signs of life in one lease: two may get lost. */
const BEATS = 3;
const RETRY_MS = 1000;

/** Why a job is no longer this worker's. */
export class JobLost extends Error {
  override readonly name = 'JobLost';

  constructor(readonly how: 'cancelled' | 'late' | 'silence' | 'stopping') {
    super(`the job was lost: ${how}`);
  }
}

export interface HeldJob {
  id: string;
  worker: string;
  attempt: number;
  leaseSeconds: number;
  /** When the claim was sent, on the monotonic clock. */
  claimedAt: number;
}

/**
 * The right to work on a job: told to the plugin again and again, and over with the first answer that says so, or when none
 * came for the length of the lease.
 */
export class Lease {
  readonly #lost = new AbortController();
  #progress = 0;
  #goodUntil = 0;
  #leaseMs: number;
  #isConcluded = false;
  #beatTimer: NodeJS.Timeout | undefined;
  #endTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly api: JobApi,
    private readonly job: HeldJob,
  ) {
    this.#leaseMs = job.leaseSeconds * 1000;
    this.#extend(job.claimedAt);
    this.#schedule();
  }

  /** Aborted with `JobLost`. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  set progress(share: number) {
    this.#progress = Math.min(1, Math.max(0, share));
  }

  lose(how: JobLost['how']): void {
    this.#stopTimers();
    if (!this.#lost.signal.aborted) this.#lost.abort(new JobLost(how));
  }

  /** Gives the job back; whether that is heard is not waited for long. */
  async release(): Promise<void> {
    this.#conclude();
    const { id, worker, attempt } = this.job;
    await this.api.report(id, { worker, attempt, state: 'released' });
  }

  /** The last word about this attempt; sent until it is answered or the lease is over. */
  async conclude(report: JobReport): Promise<ReportOutcome> {
    this.#conclude();
    for (;;) {
      const outcome = await this.api.report(this.job.id, report);
      if (outcome.state !== 'unavailable' || performance.now() + RETRY_MS > this.#goodUntil) return outcome;
      await delay(RETRY_MS);
    }
  }

  #conclude(): void {
    this.#isConcluded = true;
    this.#stopTimers();
  }

  #stopTimers(): void {
    clearTimeout(this.#beatTimer);
    clearTimeout(this.#endTimer);
  }

  #extend(fromMs: number): void {
    this.#goodUntil = fromMs + this.#leaseMs;
    clearTimeout(this.#endTimer);
    // From then on another worker may have it.
    this.#endTimer = setTimeout(() => this.lose('silence'), this.#goodUntil - performance.now());
  }

  #schedule(): void {
    this.#beatTimer = setTimeout(() => void this.#beat(), this.#leaseMs / BEATS);
  }

  async #beat(): Promise<void> {
    const sentAt = performance.now();
    const { id, worker, attempt } = this.job;
    const outcome = await this.api.report(id, { worker, attempt, state: 'running', progress: this.#progress });
    if (this.#isConcluded || this.#lost.signal.aborted) return;
    if (outcome.state === 'running') {
      this.#leaseMs = outcome.leaseSeconds * 1000;
      this.#extend(sentAt);
    } else if (outcome.state !== 'unavailable') return this.lose(outcome.state === 'cancelled' ? 'cancelled' : 'late');
    this.#schedule();
  }
}
