import type { SessionHolders } from './holders';
import type { SessionRow } from './row';
import type { UsageLedger } from './usage-ledger';

/** Whole milliseconds by session hash since its client's last activity, as far as any streamer told any node. */
export type IdleTimes = (rows: readonly SessionRow[]) => Promise<Map<string, number>>;

export function createIdleTimes(usage: UsageLedger, holders: SessionHolders): IdleTimes {
  return async (rows) => {
    if (rows.length === 0) return new Map();
    const anywhere = await holders.idleTimes(rows.map((row) => row.session_hash));
    return new Map(
      rows.map(({ session_hash: hash, last_seen_at: written }) => {
        const seenAt = Math.max(written, usage.lastSeenAt(hash) ?? 0);
        const idleMs = Math.min(Date.now() - seenAt, anywhere.get(hash) ?? Number.POSITIVE_INFINITY);
        return [hash, Math.max(0, idleMs)];
      }),
    );
  };
}
