import type { Core } from '@strapi/strapi';
import { RUNG_KINDS } from '../../../contracts';
import { databaseNow } from '../playback-session/database-clock';
import type { Transaction } from '../playback-session/transaction';

const ASSETS = 'protected_vod_assets';
const JOBS = 'protected_vod_ingest_jobs';

type Table = ReturnType<Core.Strapi['db']['getConnection']>;

/** Leaves out what makes a rendition of a film of which another one is being made: they come one at a time. */
export function withoutWaiting(strapi: Core.Strapi, jobs: Table): Table {
  const other = strapi.db
    .getConnection(`${JOBS} as other`)
    .select('other.id')
    .whereRaw('?? = ??', ['other.asset', `${JOBS}.asset`])
    .whereRaw('?? <> ??', ['other.id', `${JOBS}.id`])
    .where('other.state', 'running')
    .whereIn('other.kind', [...RUNG_KINDS])
    .where('other.due_at', '>', databaseNow(strapi));
  return jobs.where((either) => either.whereNotIn('kind', [...RUNG_KINDS]).orWhereNotExists(other));
}

/** Whoever claims a job of the ladder holds the film's row: of two that come at once the second sees the first. */
export async function awaitTurn(strapi: Core.Strapi, asset: string, trx: Transaction): Promise<void> {
  await strapi.db.getConnection(ASSETS).transacting(trx).where({ document_id: asset }).forUpdate().select('id');
}
