import type { Core } from '@strapi/strapi';
import { LRUCache } from 'lru-cache';
import type { SessionUsage, SessionVerdict, SyncRequest, SyncResponse } from '../../contracts';
import { configOf } from '../config';
import type { Decision, Question } from './entitlement/decision';
import { getService } from './get-service';
import { renewSession } from './playback-session/decide-session';
import { grantFor } from './playback-session/grant';
import type { SessionRow } from './playback-session/row';

export interface SyncService {
  /** Null: the request is not newer than one that was already answered (S12). */
  sync(request: SyncRequest): Promise<SyncResponse | null>;
}

/** Renews and ends the sessions of one streamer, all in one request. */
export function createSyncService({ strapi }: { strapi: Core.Strapi }): SyncService {
  const newestSequence = new LRUCache<string, number>({ max: 1000 });
  const isNewer = ({ bootId, sequence }: SyncRequest): boolean => {
    if (sequence <= (newestSequence.get(bootId) ?? 0)) return false;
    newestSequence.set(bootId, sequence);
    return true;
  };
  return {
    async sync(request) {
      if (!isNewer(request)) return null;
      const { store, usage } = getService(strapi, 'playback-session');
      const hashes = request.sessions.map((entry) => entry.session);
      const rows = new Map((await store.findManyByHash(hashes)).map((row) => [row.session_hash, row]));
      // Begun after the epochs were read: see `renewSession`.
      const decide = getService(strapi, 'entitlement').deliberation();
      const results: SessionVerdict[] = [];
      for (const entry of request.sessions) {
        const row = rows.get(entry.session);
        if (row) usage.add(entry);
        results.push(await verdictOn(strapi, { entry, row, decide }));
      }
      await usage.flush();
      return { results };
    },
  };
}

interface Case {
  entry: SessionUsage;
  row: SessionRow | undefined;
  decide: (question: Question) => Promise<Decision>;
  isRetry?: boolean;
}

async function verdictOn(strapi: Core.Strapi, { entry, row, decide, isRetry }: Case): Promise<SessionVerdict> {
  const session = entry.session;
  if (!row || row.state === 'ended') return { session, state: 'ended' };
  const isDue = row.lease_due <= Date.now() || row.generation !== entry.generation;
  if (!isDue) return { session, state: 'unchanged' };
  try {
    const rules = configOf(strapi).session;
    const store = getService(strapi, 'playback-session').store;
    const renewal = await renewSession(row, decide, { store, session: rules });
    if (renewal.state === 'ended') return { session, state: 'ended' };
    if (renewal.state === 'renewed')
      return { session, state: 'renewed', grant: grantFor(row, renewal.allowance, rules) };
    if (isRetry) return { session, state: 'unchanged' };
    // Decided on what a change has just made old: waiting for the next sync could break the two seconds.
    const fresh = (await store.findByHash(session)) ?? undefined;
    const anew = getService(strapi, 'entitlement').deliberation();
    return await verdictOn(strapi, { entry, row: fresh, decide: anew, isRetry: true });
  } catch (error) {
    // One bad session harms itself only: its lease runs out (S17).
    strapi.log.error(`A playback session could not be decided: ${error instanceof Error ? error.message : 'unknown'}`);
    return { session, state: 'unchanged' };
  }
}
