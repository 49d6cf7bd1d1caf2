import { randomInt } from 'node:crypto';
import type { Concurrency } from '../entitlement/concurrency';
import type { IdleTimes } from './activity';
import { freeSlots, judgeSlots, keptUnder, type SlotHolder, type Vacation } from './slot-judgement';
import type { SessionSlots, Slot } from './slots';
import type { SessionStore } from './store';

/** Each is lost to another redemption, and almost each of those leaves less to lose. */
const MAX_ATTEMPTS = 64;

export interface SlotClaims {
  claim(tokenId: string, concurrency: Concurrency): Promise<boolean>;
  withoutRoom(running: readonly RunningSession[]): Promise<Set<string>>;
}

/** A session that is about to be renewed. */
export interface RunningSession {
  tokenId: string;
  concurrency: Concurrency;
}

export interface SlotClaimsParts {
  store: Pick<SessionStore, 'findByTokenId' | 'findManyByTokenId' | 'end'>;
  slots: Pick<SessionSlots, 'of' | 'ofAll' | 'take' | 'release'>;
  idleTimes: IdleTimes;
  slotSilenceSeconds(): number;
}

/** Room for one more session of a subject (S9). */
export function createSlotClaims({ store, slots, idleTimes, slotSilenceSeconds }: SlotClaimsParts): SlotClaims {
  async function holdersOf(taken: readonly Slot[]): Promise<SlotHolder[]> {
    const rows = await store.findManyByTokenId(taken.map(({ tokenId }) => tokenId));
    const idle = await idleTimes(rows);
    const sessions = new Map(
      rows.map(({ token_id, session_hash: hash, state, started_at: startedAt }) => [
        token_id,
        { hash, state, startedAt, idleMs: idle.get(hash) ?? 0 },
      ]),
    );
    return taken.map(({ tokenId, ageMs }) => ({ tokenId, ageMs, session: sessions.get(tokenId) ?? null }));
  }

  const rulesOf = ({ limit, atLimit }: Concurrency) => ({ limit, atLimit, slotSilenceSeconds: slotSilenceSeconds() });

  async function vacationsAmong(taken: readonly Slot[], concurrency: Concurrency): Promise<Vacation[]> {
    return judgeSlots(await holdersOf(taken), rulesOf(concurrency));
  }

  async function vacate(vacation: Vacation): Promise<void> {
    // The slot goes with its session.
    if (vacation.kind === 'session') {
      await store.end(vacation.hash, vacation.endReason);
      return;
    }
    await slots.release([vacation.tokenId]);
    // Who opened it after all, and too late, either misses the slot afterwards or is seen here.
    const late = await store.findByTokenId(vacation.tokenId);
    if (late) await store.end(late.session_hash, 'slot-lost');
  }

  async function claim(tokenId: string, concurrency: Concurrency): Promise<boolean> {
    const { subject, limit } = concurrency;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const taken = await slots.of(subject);
      if (taken.some((slot) => slot.tokenId === tokenId)) return true;
      const free = freeSlots(
        taken.map(({ number }) => number),
        limit,
      );
      // At random, so that those who come at once do not all try the same.
      const number = free[randomInt(free.length || 1)];
      if (number !== undefined) {
        await slots.take(subject, number, tokenId);
        continue;
      }
      // Who will not try again ends nobody: the place would stay empty.
      if (attempt === MAX_ATTEMPTS) return false;
      const vacations = await vacationsAmong(taken, concurrency);
      if (vacations.length === 0) return false;
      for (const vacation of vacations) await vacate(vacation);
    }
    return (await slots.of(subject)).some((slot) => slot.tokenId === tokenId);
  }

  /** One that began while there was no limit takes a slot now; it ends nobody who is watching. */
  async function hasRoomAmong(taken: readonly Slot[], { tokenId, concurrency }: RunningSession): Promise<boolean> {
    if (!taken.some((slot) => slot.tokenId === tokenId)) return claim(tokenId, { ...concurrency, atLimit: 'refuse' });
    if (taken.length <= concurrency.limit) return true;
    return keptUnder(await holdersOf(taken), rulesOf(concurrency)).has(tokenId);
  }

  return {
    /**
     * Takes a slot for the session that this token is about to open; true also where it holds one already. May end other
     * sessions of the subject. Who gets true opens the session and must then find the slot still held.
     */
    claim,
    /** Token ids of those for whom a limit that was set or lowered leaves no slot. One query where all is as it was. */
    async withoutRoom(running) {
      const taken = await slots.ofAll([...new Set(running.map(({ concurrency }) => concurrency.subject))]);
      const without = new Set<string>();
      for (const session of running) {
        const ofSubject = taken.get(session.concurrency.subject) ?? [];
        if (!(await hasRoomAmong(ofSubject, session))) without.add(session.tokenId);
      }
      return without;
    },
  };
}
