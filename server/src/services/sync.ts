import type { Core } from '@strapi/strapi';
import { LRUCache } from 'lru-cache';
import type { SessionUsage, SessionVerdict, SyncRequest, SyncResponse } from '../../contracts';
import { configOf } from '../config';
import { getService } from './get-service';
import { grantFor } from './playback-session/grant';
import { type Judgement, judgeSession } from './playback-session/judgement';
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
      const first = await verdictsOn(strapi, request.sessions);
      const isVoid = (entry: SessionUsage) => first.get(entry.session) === 'void';
      // Decided on what a change has just made old: waiting for the next sync could break the two seconds.
      const second = await verdictsOn(strapi, request.sessions.filter(isVoid));
      const results = request.sessions.map(({ session }) =>
        asVerdict(session, second.get(session) ?? first.get(session)),
      );
      for (const [at, verdict] of results.entries()) record(strapi, verdict, request.sessions[at]);
      return { results };
    },
  };
}

type Outcome = SessionVerdict | 'ended' | 'unchanged' | 'void';

function asVerdict(session: string, outcome: Outcome | undefined): SessionVerdict {
  if (typeof outcome === 'object') return outcome;
  return { session, state: outcome === 'ended' ? 'ended' : 'unchanged' };
}

function record(strapi: Core.Strapi, verdict: SessionVerdict, report: SessionUsage | undefined): void {
  if (verdict.state !== 'ended') {
    if (report) getService(strapi, 'playback-session').usage.add(report);
    return;
  }
  // Viewers whose answers run through Strapi's own port are cut off here; a stalled one would not notice (S15).
  getService(strapi, 'streamer').endSession(verdict.session);
}

function isDue(row: SessionRow, entry: SessionUsage): boolean {
  return row.lease_due <= Date.now() || row.generation !== entry.generation;
}

async function verdictsOn(strapi: Core.Strapi, entries: SessionUsage[]): Promise<Map<string, Outcome>> {
  if (entries.length === 0) return new Map();
  const { store } = getService(strapi, 'playback-session');
  const found = await store.findManyByHash(entries.map((entry) => entry.session));
  const rows = new Map(found.map((row) => [row.session_hash, row]));
  const outcomes = new Map<string, Outcome>();
  const due: SessionRow[] = [];
  for (const entry of entries) {
    const row = rows.get(entry.session);
    const isLive = row?.state === 'active';
    outcomes.set(entry.session, isLive ? 'unchanged' : 'ended');
    if (isLive && isDue(row, entry)) due.push(row);
  }
  for (const [session, outcome] of await decideOn(strapi, due)) outcomes.set(session, outcome);
  return outcomes;
}

async function decideOn(strapi: Core.Strapi, due: SessionRow[]): Promise<[string, Outcome][]> {
  const rules = configOf(strapi).session;
  // Begun after the epochs were read: see `judgeSession`.
  const decide = getService(strapi, 'entitlement').deliberation();
  const judgements: Judgement[] = [];
  for (const row of due) {
    try {
      judgements.push(await judgeSession(row, decide, rules));
    } catch (error) {
      // One bad session harms itself only: it is not renewed, and its lease runs out (S17).
      strapi.log.error(
        `A playback session could not be decided: ${error instanceof Error ? error.message : 'unknown'}`,
      );
    }
  }
  const settled = await getService(strapi, 'playback-session').store.settle(judgements);
  return judgements.map((judgement, at): [string, Outcome] => {
    const session = judgement.row.session_hash;
    if (!settled[at]) return [session, 'void'];
    if (judgement.outcome === 'end') return [session, 'ended'];
    return [session, { session, state: 'renewed', grant: grantFor(judgement.row, judgement.allowance, rules) }];
  });
}
