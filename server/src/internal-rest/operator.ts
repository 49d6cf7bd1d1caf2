import type { Core } from '@strapi/strapi';
import { version } from '../../../package.json';
import {
  type OperatorStatus,
  operatorEndRequestSchema,
  operatorLogRequestSchema,
  operatorRestartRequestSchema,
  operatorRetryRequestSchema,
  operatorRotateRequestSchema,
  PROCESS_NAMES,
  type ProcessName,
} from '../../contracts';
import { VodError } from '../errors';
import { getService } from '../services/get-service';
import { type Answer, refusal } from './answer';

const DONE: Answer = { status: 200, body: { done: true } };

/** What this Strapi runs. */
function managed(strapi: Core.Strapi) {
  const services = { streamer: getService(strapi, 'streamer'), ingest: getService(strapi, 'ingest-worker') };
  return PROCESS_NAMES.flatMap((name) => {
    const status = services[name].status();
    return status === null ? [] : [{ name, status, restart: () => services[name].restart() }];
  });
}

function status(strapi: Core.Strapi): Answer {
  const running = managed(strapi);
  const isManaged = (wanted: ProcessName) => running.some(({ name }) => name === wanted);
  const body: OperatorStatus = {
    version,
    mode: isManaged('streamer') ? 'managed' : 'external',
    processes: running.map(({ status: told }) => told),
    ports: getService(strapi, 'streamer').ports(),
    streamers: getService(strapi, 'external-streamers').seen(),
    workers: getService(strapi, 'external-workers').seen(getService(strapi, 'ingest-worker').id),
    unconfined: getService(strapi, 'external-workers').unconfined(),
    encoders: getService(strapi, 'external-workers').encoders(),
  };
  return { status: 200, body };
}

function restart(strapi: Core.Strapi, body: unknown): Answer {
  const request = operatorRestartRequestSchema.safeParse(body);
  if (!request.success) return refusal(400, 'malformed-request');
  const wanted = managed(strapi).filter(({ name }) => name === (request.data.process ?? name));
  if (wanted.length === 0) return refusal(409, 'not-managed');
  // Answered at once: who asked looks at the status until they run.
  for (const one of wanted) {
    getService(strapi, 'audit').record({ kind: 'restart', reason: `${one.name}-restarted-by-operator` });
    one.restart().catch((error: unknown) => strapi.log.error(error));
  }
  return DONE;
}

function log(strapi: Core.Strapi, body: unknown): Answer {
  const request = operatorLogRequestSchema.safeParse(body);
  if (!request.success) return refusal(400, 'malformed-request');
  const lines = getService(strapi, 'streamer').log;
  return {
    status: 200,
    body: { lines: 'last' in request.data ? lines.last(request.data.last) : lines.after(request.data.after) },
  };
}

async function sessions(strapi: Core.Strapi): Promise<Answer> {
  return { status: 200, body: { sessions: await getService(strapi, 'session-overview').active() } };
}

async function end(strapi: Core.Strapi, body: unknown): Promise<Answer> {
  const request = operatorEndRequestSchema.safeParse(body);
  if (!request.success) return refusal(400, 'malformed-request');
  const found = await getService(strapi, 'session-overview').end(request.data.id);
  if (found === 1) return DONE;
  return found === 0 ? refusal(404, 'not-found') : refusal(409, 'ambiguous');
}

async function rotateKeys(strapi: Core.Strapi, body: unknown): Promise<Answer> {
  const request = operatorRotateRequestSchema.safeParse(body);
  if (!request.success) return refusal(400, 'malformed-request');
  try {
    const rotated = await getService(strapi, 'keys').rotate(request.data.overlapSeconds);
    getService(strapi, 'audit').record({ kind: 'key-rotation', reason: 'rotated-by-operator' });
    return { status: 200, body: rotated };
  } catch (error) {
    if (!(error instanceof VodError) || error.code !== 'overlap-refused') throw error;
    return refusal(400, error.code);
  }
}

async function retryJobs(strapi: Core.Strapi, body: unknown): Promise<Answer> {
  const request = operatorRetryRequestSchema.safeParse(body);
  if (!request.success) return refusal(400, 'malformed-request');
  const { asset = null } = request.data;
  const jobs = await getService(strapi, 'ingest').retry(asset);
  if (jobs > 0) getService(strapi, 'audit').record({ kind: 'ingest', asset, reason: 'retried-by-operator' });
  return { status: 200, body: { jobs } };
}

/** What the CLI asks for, by the last part of the path. */
export const OPERATOR_ENDPOINTS = new Map<string, (strapi: Core.Strapi, body: unknown) => Answer | Promise<Answer>>([
  ['status', status],
  ['restart', restart],
  ['log', log],
  ['sessions', sessions],
  ['end', end],
  ['rotate-keys', rotateKeys],
  ['retry-jobs', retryJobs],
]);
