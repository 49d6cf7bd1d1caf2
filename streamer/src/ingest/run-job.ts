import { type DerivedFile, INGEST_KINDS, type IngestJob, type IngestReason } from '../../../server/contracts';
import { codeOf, describeCause } from '../errors';
import type { Logger } from '../logger';
import type { Encoders } from './encoders/encoders';
import { IngestError } from './ingest-error';
import type { JobApi } from './job-api';
import { MAKERS, MAY_LACK_OUTPUTS } from './kinds';
import { JobLost, Lease } from './lease';
import { deliverOutput } from './output';
import { createRemarks } from './remarks';
import { openScratch, removeScratch, type Scratch } from './scratch';
import { sniffFilm } from './tools/film-input';
import type { Toolbox } from './tools/toolbox';

export interface Workshop {
  api: JobApi;
  tools: Toolbox;
  encoders: Encoders;
  /** Real path of the storage root. */
  root: string;
  /** The real path of a stored film, proved to lie below the root. */
  resolve(storageKey: string): Promise<string>;
  maxPixels: number;
  worker: string;
  logger: Logger;
}

export interface RunningJob {
  /** Gives the job back, for another worker to begin at once. */
  stop(): void;
  /** Resolves when nothing of it is left running here; never rejects. */
  ended: Promise<void>;
}

function toIngestError(error: unknown): IngestError {
  if (error instanceof IngestError) return error;
  const code = codeOf(error);
  const reason: IngestReason =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'disk-full'
      : code === 'asset-missing' || code === 'ENOENT'
        ? 'source-missing'
        : 'worker-failed';
  return new IngestError(reason, describeCause(error), { cause: error });
}

interface Made {
  outputs: DerivedFile[];
  note?: IngestReason;
}

async function make(workshop: Workshop, job: IngestJob, scratch: Scratch, lease: Lease): Promise<Made> {
  const kind = INGEST_KINDS.find((known) => known === job.kind);
  if (kind === undefined) throw new IngestError('worker-failed', 'the plugin gave a job that was not asked for');
  const { storageKey, durationSeconds, limits } = job.source;
  const film = await sniffFilm(await workshop.resolve(storageKey), limits?.maxTracks);
  const { tools, encoders, maxPixels } = workshop;
  const encoder = await encoders.chosen(tools);
  const { signal } = lease;
  const progressed = (share: number) => {
    lease.progress = share;
  };
  const remarks = createRemarks();
  const order = { ...(job.rung && { rung: job.rung }), ...(limits && { limits }) };
  const made = await MAKERS[kind]({
    ...{ film, durationSeconds, scratch, tools, maxPixels, signal, progressed, ...order, ...remarks },
    ...(encoder.hardware && { card: encoders.cardOf(encoder) }),
  });
  const outputs: DerivedFile[] = [];
  for (const { name } of job.outputs) {
    signal.throwIfAborted();
    const file = made.get(name);
    if (file === undefined && MAY_LACK_OUTPUTS.has(kind)) continue;
    outputs.push({ ...(await deliverOutput(name, file ?? '', scratch.targetOf(name))), ...remarks.factsOf(name) });
  }
  return { outputs, ...remarks.note() };
}

async function runJob(workshop: Workshop, job: IngestJob, lease: Lease): Promise<void> {
  const { worker } = workshop;
  const { attempt } = job;
  const logger = workshop.logger.child({ job: job.id, kind: job.kind, asset: job.asset, attempt });
  const startedAt = performance.now();
  const scratch = await openScratch(workshop.root, job);
  try {
    const made = await make(workshop, job, scratch, lease);
    const { state } = await lease.conclude({ worker, attempt, state: 'done', ...made });
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    if (state === 'settled') logger.info({ seconds }, 'job done');
    else logger.warn({ state }, 'what was made was not taken');
    await (state === 'cancelled' ? scratch.removeAll() : scratch.removeOwn());
  } catch (error) {
    await scratch.removeOwn();
    if (!(error instanceof JobLost)) throw error;
    logger.info({ how: error.how }, 'job stopped');
    if (error.how === 'stopping') await lease.release();
    if (error.how === 'cancelled') await scratch.removeAll();
  }
}

/** Begins with a job that was claimed at `claimedAt` (monotonic). */
export function startJob(workshop: Workshop, job: IngestJob, claimedAt: number): RunningJob {
  const { worker, logger } = workshop;
  const { id, attempt, leaseSeconds } = job;
  const lease = new Lease(workshop.api, { id, worker, attempt, leaseSeconds, claimedAt });
  async function fail(thrown: unknown): Promise<void> {
    const error = toIngestError(thrown);
    logger.warn(
      { job: id, kind: job.kind, asset: job.asset, attempt, reason: error.reason, detail: error.detail },
      'job failed',
    );
    const report = { worker, attempt, state: 'failed', reason: error.reason, final: error.isFinal } as const;
    const { state } = await lease.conclude(report);
    // The film went away under it, which is why it failed.
    if (state === 'cancelled') await removeScratch(workshop.root, job);
  }
  const ended = runJob(workshop, job, lease)
    .catch(fail)
    .catch((error: unknown) => logger.error({ job: id, message: describeCause(error) }, 'job could not be ended'));
  return { stop: () => lease.lose('stopping'), ended };
}
