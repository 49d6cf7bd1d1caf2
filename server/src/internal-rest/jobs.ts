import type { Core } from '@strapi/strapi';
import { claimRequestSchema, jobIdSchema, jobReportSchema } from '../../contracts';
import { getService } from '../services/get-service';
import { type Answer, refusal } from './answer';

const REPORT = /^([^/]+)\/report$/;

async function claim(strapi: Core.Strapi, body: unknown): Promise<Answer> {
  const request = claimRequestSchema.safeParse(body);
  if (!request.success) return refusal(400, 'malformed-request');
  getService(strapi, 'external-workers').claimed(request.data.worker, request.data);
  return { status: 200, body: await getService(strapi, 'ingest').claim(request.data) };
}

async function report(strapi: Core.Strapi, id: string, body: unknown): Promise<Answer> {
  const request = jobReportSchema.safeParse(body);
  if (!request.success) return refusal(400, 'malformed-request');
  const answer = await getService(strapi, 'ingest').report(id, request.data);
  return answer === null ? refusal(409, 'stale-attempt') : { status: 200, body: answer };
}

/** What ingest workers ask for below `jobs/`; null: there is no such endpoint. */
export function jobEndpoint(name: string): ((strapi: Core.Strapi, body: unknown) => Promise<Answer>) | null {
  if (name === 'claim') return claim;
  const id = REPORT.exec(name)?.[1];
  if (id === undefined || !jobIdSchema.safeParse(id).success) return null;
  return (strapi, body) => report(strapi, id, body);
}
