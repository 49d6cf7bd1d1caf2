import type { Core } from '@strapi/strapi';
import { LRUCache } from 'lru-cache';
import type { SessionUsage, SessionVerdict, SyncRequest, SyncResponse } from '../../contracts';
import { configOf } from '../config';
import { sessionIdOf } from '../tokens/session-id';
import { batched } from './batch';
import { getService } from './get-service';
import { type GrantParts, grantFor, holdingFor } from './playback-session/grant';
import type { Holding } from './playback-session/holders';
import { type Judgement, judgeRoom, judgeSession } from './playback-session/judgement';
import type { SessionRow } from './playback-session/row';

const MAX_ATTEMPTS = 4;
/** Nobody has watched for so long that the lease may run out. */
const SILENT_MS = 90_000;

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
      const { bootId, sessions } = request;
      const keys = await getService(strapi, 'keys').streamerKeyList();
      const outcomes = await verdictsOn(strapi, bootId, sessions);
      // Decided on what a change has just made old: waiting for the next sync could break the two seconds. More than
      // once, because a change inside a transaction raises the epoch again after its commit.
      for (let attempt = 2; attempt <= MAX_ATTEMPTS; attempt += 1) {
        const overtaken = sessions.filter(({ session }) => outcomes.get(session) === 'void');
        for (const [session, outcome] of await verdictsOn(strapi, bootId, overtaken)) outcomes.set(session, outcome);
      }
      const results = sessions.map(({ session }) => asVerdict(session, outcomes.get(session)));
      for (const [at, verdict] of results.entries()) record(strapi, verdict, sessions[at]);
      await noteHolder(strapi, request, results);
      return { results, keys };
    },
  };
}

interface Due {
  row: SessionRow;
  entry: SessionUsage;
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

/** What the other nodes need to know of this streamer (S12). */
async function noteHolder(strapi: Core.Strapi, request: SyncRequest, results: SessionVerdict[]): Promise<void> {
  const { bootId, sessions, leaving } = request;
  const { holders } = getService(strapi, 'playback-session');
  if (leaving) return holders.release(bootId);
  const ended = new Set(results.filter(({ state }) => state === 'ended').map(({ session }) => session));
  const live = sessions.filter(({ session }) => !ended.has(session));
  await holders.acknowledge(bootId, live);
  await holders.noteActivity(bootId, live);
  await holders.release(bootId, [...ended]);
}

/** A change counts at once, a lease that runs out only where somebody watches: what is not renewed is forgotten. */
function isDue(row: SessionRow, entry: SessionUsage): boolean {
  if (row.generation !== entry.generation || row.lease_due === 0) return true;
  return row.lease_due <= Date.now() && entry.idleMs < SILENT_MS;
}

async function verdictsOn(
  strapi: Core.Strapi,
  streamer: string,
  entries: SessionUsage[],
): Promise<Map<string, Outcome>> {
  if (entries.length === 0) return new Map();
  const { store } = getService(strapi, 'playback-session');
  const found = await store.findManyByHash(entries.map((entry) => entry.session));
  const rows = new Map(found.map((row) => [row.session_hash, row]));
  const outcomes = new Map<string, Outcome>();
  const due: Due[] = [];
  for (const entry of entries) {
    const row = rows.get(entry.session);
    const isLive = row?.state === 'active';
    outcomes.set(entry.session, isLive ? 'unchanged' : 'ended');
    if (isLive && isDue(row, entry)) due.push({ row, entry });
  }
  for (const [session, outcome] of await decideOn(strapi, streamer, due)) outcomes.set(session, outcome);
  return outcomes;
}

/** Whether the session's id is of a key that counts: a streamer goes on holding what began under a secret that is gone. */
function isOfKnownKey(strapi: Core.Strapi, { token_id: tokenId, salt, session_hash: hash }: SessionRow): boolean {
  return sessionIdOf(getService(strapi, 'keys').accepted(), { tokenId, salt, hash }) !== null;
}

/** What fresh decisions mean for the sessions of `due`; one that cannot be decided is missing. */
async function judge(strapi: Core.Strapi, due: Due[]): Promise<Judgement[]> {
  const { session } = configOf(strapi);
  // Begun after the epochs were read: see `judgeSession`.
  const decide = getService(strapi, 'entitlement').deliberation();
  const { idleTimes, claims } = getService(strapi, 'playback-session');
  const rows = new Map(due.map(({ row }) => [row.session_hash, row]));
  const idleMsOf = batched((sessions: string[]) => idleTimes(sessions.flatMap((session) => rows.get(session) ?? [])));
  // All at once, so that they share their queries.
  const judged = await Promise.all(
    due.map(async ({ row, entry }): Promise<Judgement | null> => {
      try {
        if (!isOfKnownKey(strapi, row)) return { row, outcome: 'end', reason: 'secret-replaced' };
        const ms = async () => Math.min((await idleMsOf(row.session_hash)) ?? 0, entry.idleMs);
        return await judgeSession(row, { decide, session, silence: { since: row.last_seen_at, ms } });
      } catch (error) {
        // One bad session harms itself only: it is not renewed, and its lease runs out (S17).
        strapi.log.error(
          `A playback session could not be decided: ${error instanceof Error ? error.message : 'unknown'}`,
        );
        return null;
      }
    }),
  );
  return judgeRoom(
    judged.filter((judgement) => judgement !== null),
    claims,
  );
}

async function decideOn(strapi: Core.Strapi, streamer: string, due: Due[]): Promise<[string, Outcome][]> {
  const parts: GrantParts = { config: configOf(strapi), keyrings: getService(strapi, 'keys').accepted() };
  const judgements = await judge(strapi, due);
  const generations = new Map(due.map(({ row, entry }) => [row.session_hash, entry.generation]));
  const holdings: Holding[] = judgements.flatMap(({ row, outcome }) => {
    const generation = generations.get(row.session_hash);
    if (outcome === 'end' || generation === undefined) return [];
    return [holdingFor(row, { streamer, generation, isActive: false }, parts.config.session)];
  });
  const settled = await getService(strapi, 'playback-session').store.settle(judgements, holdings, 'pass-by');
  return judgements.map((judgement, at): [string, Outcome] => {
    const session = judgement.row.session_hash;
    if (!settled[at]) return [session, 'void'];
    if (judgement.outcome === 'end') return [session, 'ended'];
    return [session, { session, state: 'renewed', grant: grantFor(judgement.row, judgement.allowance, parts) }];
  });
}
