import { z } from 'zod';
import { version } from '../../../package.json';
import { MAX_SYNC_SESSIONS, type SessionUsage, sessionVerdictSchema } from '../../../server/contracts';
import type { Logger } from '../logger';
import type { Clock } from './clock';
import type { HeldSession } from './held-session';
import type { AccessObserver, SyncOutcome } from './observer';
import type { PluginAnswer, PluginApi } from './plugin-api';
import type { Sessions } from './sessions';
import type { TrustedKeys } from './trusted-keys';

/** S17: Strapi reads at most 1 MB of JSON; this stays far below. */
const MAX_BATCH_BYTES = 256 * 1024;
const ENVELOPE_BYTES = 256;

/** Results are parsed one by one, so that a poisoned one harms its own session only (S17). */
const envelopeSchema = z.object({ results: z.array(z.unknown()).max(MAX_SYNC_SESSIONS), keys: z.unknown().optional() });

interface Entry {
  session: HeldSession;
  usage: SessionUsage;
}

export interface SyncOptions {
  api: PluginApi;
  /** Names this process; its introspections carry the same. */
  bootId: string;
  sessions: Sessions;
  keys: Pick<TrustedKeys, 'learn'>;
  observer: AccessObserver;
  logger: Logger;
  clock: Clock;
  intervalMs: number;
  /** How often an empty batch is sent while there are no sessions. */
  heartbeatMs: number;
}

export interface Sync {
  /** Resolves when the first report was answered, or was not: from then on it is known which keys count. */
  start(): Promise<void>;
  /** Reports a last time and stops. Nobody may be served any more. */
  stop(): Promise<void>;
  readonly healthy: boolean;
}

function batchesOf(entries: Entry[]): Entry[][] {
  const batches: Entry[][] = [];
  let batch: Entry[] = [];
  let bytes = ENVELOPE_BYTES;
  for (const entry of entries) {
    const size = JSON.stringify(entry.usage).length + 1;
    if (batch.length === MAX_SYNC_SESSIONS || bytes + size > MAX_BATCH_BYTES) {
      batches.push(batch);
      batch = [];
      bytes = ENVELOPE_BYTES;
    }
    batch.push(entry);
    bytes += size;
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}

/**
 * The one exchange by which leases are renewed and sessions end: one request a second per 500 sessions, in order, over one
 * connection. A session the plugin does not renew lives to the end of its lease; only an outage adds grace.
 */
export function createSync(options: SyncOptions): Sync {
  const { api, bootId, sessions, keys, observer, logger, clock, intervalMs, heartbeatMs } = options;
  let sequence = 0;
  let healthy = false;
  let lastOutcome: SyncOutcome | null = null;
  let lastSentAt = Number.NEGATIVE_INFINITY;
  let round: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;

  function applyVerdict(entries: Map<string, Entry>, item: unknown, sentAt: number): void {
    const verdict = sessionVerdictSchema.safeParse(item);
    if (!verdict.success) return;
    const entry = entries.get(verdict.data.session);
    if (entry === undefined) return;
    if (verdict.data.state === 'ended') sessions.end(verdict.data.session);
    if (verdict.data.state === 'renewed') entry.session.accept(verdict.data.grant, sentAt);
  }

  function apply(batch: Entry[], answer: PluginAnswer): SyncOutcome {
    for (const { session } of batch) session.noteContact(answer.kind !== 'unavailable');
    const envelope = answer.kind === 'answered' ? envelopeSchema.safeParse(answer.json) : undefined;
    if (answer.kind !== 'answered' || envelope?.success !== true) {
      for (const { session, usage } of batch) session.restoreUsage(usage);
      return answer.kind === 'unavailable' ? 'unavailable' : 'broken';
    }
    keys.learn(envelope.data.keys);
    const entries = new Map(batch.map((entry) => [entry.usage.session, entry]));
    for (const item of envelope.data.results) applyVerdict(entries, item, answer.sentAt);
    return 'ok';
  }

  /** Changes only: an outage of an hour is one line. */
  function note(outcome: SyncOutcome, cause: string | undefined): void {
    if (outcome === lastOutcome) return;
    lastOutcome = outcome;
    if (outcome === 'ok') logger.info('the plugin answers');
    else logger.error({ code: `plugin-${outcome}`, cause }, 'the plugin does not answer as it should');
  }

  /** Whether it is worth sending the next batch of this round. */
  async function sendBatch(batch: Entry[], leaving?: true): Promise<boolean> {
    sequence += 1;
    lastSentAt = clock();
    const report = { bootId, sequence, version, sessions: batch.map(({ usage }) => usage), leaving };
    const answer = await api.post('/sync', JSON.stringify(report));
    const outcome = apply(batch, answer);
    healthy = outcome === 'ok';
    note(outcome, 'cause' in answer ? answer.cause : undefined);
    observer.synced(outcome, (clock() - lastSentAt) / 1000);
    return answer.kind !== 'unavailable' || answer.reached;
  }

  const entriesOf = (some: HeldSession[]): Entry[] => some.map((session) => ({ session, usage: session.takeUsage() }));

  async function sendBatches(batches: Entry[][], leaving?: true): Promise<void> {
    let reached = true;
    for (const batch of batches) {
      if (reached) {
        reached = await sendBatch(batch, batch === batches.at(-1) ? leaving : undefined);
        continue;
      }
      // The next batch would only wait for the same timeout.
      for (const { session, usage } of batch) {
        session.noteContact(false);
        session.restoreUsage(usage);
      }
    }
  }

  async function runRound(): Promise<void> {
    sessions.sweep();
    const entries = entriesOf(sessions.all());
    const batches = batchesOf(entries);
    if (batches.length === 0 && clock() - lastSentAt >= heartbeatMs) batches.push([]);
    await sendBatches(batches);
    sessions.sweep();
    // Another streamer is waiting for the word that the old client of a hand-over has been shut out (S12).
    const handedOver = entries.filter(({ session, usage }) => session.grant.generation !== usage.generation);
    await sendBatches(batchesOf(entriesOf(handedOver.map(({ session }) => session))));
  }

  function tick(): void {
    if (round !== null) return;
    round = runRound().finally(() => {
      round = null;
    });
  }

  return {
    async start() {
      timer = setInterval(tick, intervalMs);
      tick();
      await round;
    },
    async stop() {
      clearInterval(timer);
      await round;
      if (sessions.size > 0) await sendBatches(batchesOf(entriesOf(sessions.all())), true);
    },
    get healthy() {
      return healthy;
    },
  };
}
