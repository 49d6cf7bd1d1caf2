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

/** The right to work on a job: told to the plugin again and again, and over with the first answer that says so. */
export class Lease {
  readonly #lost = new AbortController();
  #progress = 0;
  #goodUntil: number;
  #timer: NodeJS.Timeout | undefined;
  #leaseMs: number;

  constructor(
    private readonly api: JobApi,
    private readonly job: HeldJob,
  ) {
    this.#leaseMs = job.leaseSeconds * 1000;
    this.#goodUntil = job.claimedAt + this.#leaseMs;
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
    clearTimeout(this.#timer);
    if (!this.#lost.signal.aborted) this.#lost.abort(new JobLost(how));
  }

  /** Gives the job back; whether that is heard is not waited for long. */
  async release(): Promise<void> {
    clearTimeout(this.#timer);
    const { id, worker, attempt } = this.job;
    await this.api.report(id, { worker, attempt, state: 'released' });
  }

  /** The last word about this attempt; sent until it is answered or the lease is over. */
  async conclude(report: JobReport): Promise<ReportOutcome> {
    clearTimeout(this.#timer);
    for (;;) {
      const outcome = await this.api.report(this.job.id, report);
      if (outcome.state !== 'unavailable' || performance.now() + RETRY_MS > this.#goodUntil) return outcome;
      await delay(RETRY_MS);
    }
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#beat(), this.#leaseMs / BEATS);
  }

  async #beat(): Promise<void> {
    const sentAt = performance.now();
    const { id, worker, attempt } = this.job;
    const outcome = await this.api.report(id, { worker, attempt, state: 'running', progress: this.#progress });
    if (this.#lost.signal.aborted) return;
    if (outcome.state === 'running') {
      this.#leaseMs = outcome.leaseSeconds * 1000;
      this.#goodUntil = sentAt + this.#leaseMs;
    } else if (outcome.state !== 'unavailable') return this.lose(outcome.state === 'cancelled' ? 'cancelled' : 'late');
    // Another worker may have it by now.
    else if (performance.now() > this.#goodUntil) return this.lose('silence');
    this.#schedule();
  }
}
