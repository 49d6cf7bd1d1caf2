import { createHash, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type ClaimRequest,
  claimAnswerSchema,
  type DerivedFile,
  INGEST_CREDENTIAL_HEADER,
  INGEST_KINDS,
  type IngestJob,
} from '../../server/contracts';
import type { StrapiApp } from './strapi-app';

const JOB_UID = 'plugin::protected-vod.ingest-job';

export interface JobRow {
  documentId: string;
  asset: string;
  kind: string;
  state: string;
  attempt: number;
  failures: number;
  reason: string | null;
}

/** What the ingest worker of this site holds. */
export function ingestCredentialOf(app: StrapiApp): string {
  return app.strapi.plugin('protected-vod').service('keys').keyring().ingestCredential;
}

/** POSTs below `jobs/` of the internal REST. */
export function callJobs(
  app: StrapiApp,
  name: string,
  body: unknown,
  headers: Record<string, string> = { [INGEST_CREDENTIAL_HEADER]: ingestCredentialOf(app) },
): Promise<Response> {
  return fetch(`${app.url}/api/protected-vod/internal/jobs/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

export const jobsOf = async (app: StrapiApp, asset?: string): Promise<JobRow[]> =>
  app.strapi.db
    .query(JOB_UID)
    .findMany({ where: asset === undefined ? {} : { asset }, orderBy: ['asset', 'priority'] });

/** As if the time had come: leases of those that run are over, those that wait may begin. */
export async function makeDue(app: StrapiApp, where: Partial<JobRow> = {}): Promise<void> {
  await app.strapi.db.query(JOB_UID).updateMany({ where, data: { dueAt: '0' } });
}

export interface WorkerSide {
  id: string;
  claim(more?: Partial<ClaimRequest>): Promise<IngestJob | null>;
  /** A job that must be there. */
  claimOne(): Promise<IngestJob>;
  /** Status and body of the answer. */
  report(job: IngestJob, report: object): Promise<{ status: number; state: string | undefined }>;
  /** Writes something, or these bytes, to where each output belongs, and tells what. No film has texts in it. */
  make(job: IngestJob, content?: string | Buffer): Promise<DerivedFile[]>;
  /** Makes and delivers a job that was claimed. */
  finish(job: IngestJob, content?: string | Buffer): Promise<{ status: number; state: string | undefined }>;
  /** All that is to be done. */
  finishAll(text?: string): Promise<void>;
}

/** A worker's side of the internal REST: it makes nothing of any film, but says so well. */
export function workerSide(app: StrapiApp, { url = app.url, id = randomUUID() as string } = {}): WorkerSide {
  const site = { ...app, url };

  async function claim(more: Partial<ClaimRequest> = {}): Promise<IngestJob | null> {
    const request = { worker: id, kinds: [...INGEST_KINDS], lacking: null, ...more };
    const response = await callJobs(site, 'claim', request);
    if (response.status !== 200) throw new Error(`claim answered ${response.status}`);
    return claimAnswerSchema.parse(await response.json()).job;
  }

  async function report(job: IngestJob, body: object) {
    const response = await callJobs(site, `${job.id}/report`, { worker: id, attempt: job.attempt, ...body });
    const answer = (await response.json()) as { state?: string };
    return { status: response.status, state: answer.state };
  }

  async function make(job: IngestJob, content: string | Buffer = 'made'): Promise<DerivedFile[]> {
    const outputs: DerivedFile[] = [];
    for (const { name, storageKey } of job.outputs) {
      if (job.kind === 'texts') continue;
      const bytes = typeof content === 'string' ? Buffer.from(`${content} ${name}`) : content;
      const target = path.join(app.storageRoot, storageKey);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, bytes);
      outputs.push({ name, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    }
    return outputs;
  }

  const finish = async (job: IngestJob, content?: string | Buffer) =>
    report(job, { state: 'done', outputs: await make(job, content) });

  return {
    id,
    claim,
    async claimOne() {
      const job = await claim();
      if (job === null) throw new Error('there is no job');
      return job;
    },
    report,
    make,
    finish,
    async finishAll(text) {
      for (let job = await claim(); job !== null; job = await claim()) await finish(job, text);
    },
  };
}
