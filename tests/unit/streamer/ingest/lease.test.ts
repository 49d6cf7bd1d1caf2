import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { JobReport } from '../../../../server/contracts';
import type { JobApi, ReportOutcome } from '../../../../streamer/src/ingest/job-api';
import { JobLost, Lease } from '../../../../streamer/src/ingest/lease';
import { until } from '../../../support/until';

const LEASE_SECONDS = 0.3;
const RUNNING: ReportOutcome = { state: 'running', leaseSeconds: LEASE_SECONDS };

/** A plugin that answers as it is told, the last answer again and again. */
function leaseWith(...answers: (ReportOutcome | 'never')[]) {
  const reports: JobReport[] = [];
  const api: JobApi = {
    claim: async () => ({ state: 'answered', job: null }),
    report: (_id, report) => {
      reports.push(report);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return answer === 'never' || answer === undefined ? new Promise(() => undefined) : Promise.resolve(answer);
    },
  };
  const job = { id: 'job', worker: 'worker', attempt: 3, leaseSeconds: LEASE_SECONDS, claimedAt: performance.now() };
  return { lease: new Lease(api, job), reports };
}

async function lostHow(lease: Lease): Promise<string> {
  if (!lease.signal.aborted) await once(lease.signal, 'abort');
  return lease.signal.reason instanceof JobLost ? lease.signal.reason.how : 'not lost';
}

describe('the lease of a job', () => {
  it('is told to be needed as long as it is, with the progress that was made', async () => {
    const { lease, reports } = leaseWith(RUNNING);
    lease.progress = 0.5;
    await until('it was told several times', () => reports.length > 4);
    expect(reports.at(-1)).toEqual({ worker: 'worker', attempt: 3, state: 'running', progress: 0.5 });
    expect(lease.signal.aborted).toBe(false);
    lease.lose('stopping');
    expect(await lostHow(lease)).toBe('stopping');
  });

  it.each([
    ['cancelled', 'cancelled'],
    ['late', 'late'],
  ] as const)('is over when the answer is %s', async (state, how) => {
    expect(await lostHow(leaseWith(RUNNING, { state }).lease)).toBe(how);
  });

  it.each([
    ['is unavailable', { state: 'unavailable', cause: 'status 502' }],
    ['never answers', 'never'],
  ] as const)('is over at its end while the plugin %s', async (_name, answer) => {
    expect(await lostHow(leaseWith(RUNNING, answer).lease)).toBe('silence');
  });

  it('says its last word once it is heard, and nothing after that', async () => {
    const { lease, reports } = leaseWith({ state: 'settled' });
    const report = { worker: 'worker', attempt: 3, state: 'failed', reason: 'tool-failed', final: false } as const;
    expect(await lease.conclude(report)).toEqual({ state: 'settled' });
    // As long as another one takes for several signs of life.
    const other = leaseWith(RUNNING);
    await until('it would have given some', () => other.reports.length > 3);
    other.lease.lose('stopping');
    expect(reports).toEqual([report]);
    expect(lease.signal.aborted).toBe(false);
  });
});
