import type { Concurrency } from '../entitlement/concurrency';

/** Longer than any redemption takes between its slot and its session: the process that made it has died. */
const ABANDONED_AFTER_MS = 10_000;

export interface SlotRules extends Pick<Concurrency, 'limit' | 'atLimit'> {
  slotSilenceSeconds: number;
}

/** A taken slot and whose it is. */
export interface SlotHolder {
  tokenId: string;
  /** Since the slot was taken. */
  ageMs: number;
  /** Null: not there yet, or never. */
  session: { hash: string; state: 'active' | 'ended'; startedAt: number; idleMs: number } | null;
}

/** A slot that is to be emptied: nobody's, or a session's that ends for it. */
export type Vacation =
  | { kind: 'nobody'; tokenId: string }
  | { kind: 'session'; hash: string; endReason: 'silent-gave-way' | 'oldest-gave-way' };

/**
 * Slot numbers that one more session may try. Not more than there is room for: a limit that was lowered counts the
 * sessions above it too.
 */
export function freeSlots(taken: readonly number[], limit: number): number[] {
  const numbers = Array.from({ length: limit }, (_, at) => at + 1);
  return numbers.filter((number) => !taken.includes(number)).slice(0, Math.max(0, limit - taken.length));
}

function isNobodys({ session, ageMs }: SlotHolder): boolean {
  return session === null ? ageMs > ABANDONED_AFTER_MS : session.state === 'ended';
}

/**
 * Who gives way where all slots are taken: nobody's slots first, then the session that has been silent for longest, then,
 * where the newest wins, the one that began first. As many as one more session needs; none where that cannot be had, so
 * that nobody is ended for nothing.
 */
export function judgeSlots(holders: readonly SlotHolder[], rules: SlotRules): Vacation[] {
  const live = holders.flatMap(({ session }) => (session?.state === 'active' ? [session] : []));
  const isSilent = ({ idleMs }: { idleMs: number }) => idleMs >= rules.slotSilenceSeconds * 1000;
  const silent = live.filter(isSilent).sort((one, other) => other.idleMs - one.idleMs);
  const watching = live.filter((session) => !isSilent(session)).sort((one, other) => one.startedAt - other.startedAt);
  const vacations: Vacation[] = [
    ...holders.filter(isNobodys).map(({ tokenId }) => ({ kind: 'nobody' as const, tokenId })),
    ...silent.map(({ hash }) => ({ kind: 'session' as const, hash, endReason: 'silent-gave-way' as const })),
    ...(rules.atLimit === 'end-oldest' ? watching : []).map(({ hash }) => ({
      kind: 'session' as const,
      hash,
      endReason: 'oldest-gave-way' as const,
    })),
  ];
  const needed = holders.length - rules.limit + 1;
  return vacations.length < needed ? [] : vacations.slice(0, needed);
}

/**
 * Which tokens keep their slots under a limit that was lowered. Who gives way first: nobody's slots, then the silent, then
 * those who came last or, where the newest wins, first. The same on every node, so that no two of them end different ones.
 */
export function keptUnder(holders: readonly SlotHolder[], rules: SlotRules): Set<string> {
  const isSilent = ({ session }: SlotHolder) => session !== null && session.idleMs >= rules.slotSilenceSeconds * 1000;
  const newestFirst = rules.atLimit === 'end-oldest' ? -1 : 1;
  // Who is only opening came last.
  const startOf = ({ session }: SlotHolder) => session?.startedAt ?? Number.MAX_SAFE_INTEGER;
  const ranked = holders
    .filter((holder) => !isNobodys(holder))
    .sort((one, other) => {
      const byStart = (startOf(one) - startOf(other)) * newestFirst;
      return Number(isSilent(one)) - Number(isSilent(other)) || byStart || one.tokenId.localeCompare(other.tokenId);
    });
  return new Set(ranked.slice(0, rules.limit).map(({ tokenId }) => tokenId));
}
