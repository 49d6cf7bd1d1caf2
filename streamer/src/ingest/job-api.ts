import {
  type ClaimRequest,
  claimAnswerSchema,
  INGEST_CREDENTIAL_HEADER,
  type IngestJob,
  type JobReport,
  type JobReportAnswer,
  jobReportAnswerSchema,
} from '../../../server/contracts';
import { describeCause } from '../errors';

const TIMEOUT_MS = 10_000;
const CONFLICT = 409;

/** Network error, timeout, or an answer that is none of the plugin's. */
export interface Unavailable {
  state: 'unavailable';
  cause: string;
}

export type ClaimOutcome = { state: 'answered'; job: IngestJob | null } | Unavailable;

/** `late`: the attempt does not run any more (S24). */
export type ReportOutcome = JobReportAnswer | { state: 'late' } | Unavailable;

export interface JobApi {
  /** Neither of the two ever throws. */
  claim(request: ClaimRequest): Promise<ClaimOutcome>;
  report(jobId: string, report: JobReport): Promise<ReportOutcome>;
}

/** The plugin's internal REST as an ingest worker sees it. */
export function createJobApi({ internalUrl, credential }: { internalUrl: string; credential: string }): JobApi {
  const base = internalUrl.replace(/\/+$/, '');

  async function post(path: string, body: unknown): Promise<{ status: number; json: unknown }> {
    const response = await fetch(`${base}/jobs/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [INGEST_CREDENTIAL_HEADER]: credential },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, json: await response.json().catch(() => null) };
  }

  const unavailable = (cause: string): Unavailable => ({ state: 'unavailable', cause });

  return {
    async claim(request) {
      try {
        const { status, json } = await post('claim', request);
        const answer = claimAnswerSchema.safeParse(json);
        if (status !== 200 || !answer.success) return unavailable(`status ${status}`);
        return { state: 'answered', job: answer.data.job };
      } catch (error) {
        return unavailable(describeCause(error));
      }
    },
    async report(jobId, report) {
      try {
        const { status, json } = await post(`${jobId}/report`, report);
        if (status === CONFLICT) return { state: 'late' };
        const answer = jobReportAnswerSchema.safeParse(json);
        return status === 200 && answer.success ? answer.data : unavailable(`status ${status}`);
      } catch (error) {
        return unavailable(describeCause(error));
      }
    },
  };
}
