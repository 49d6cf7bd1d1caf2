import type { SessionHolders } from './holders';
import type { SessionRow } from './row';
import type { UsageLedger } from './usage-ledger';

/** Whole milliseconds by session hash since its client's last activity, as far as any streamer told any node. */
export type IdleTimes = (rows: readonly SessionRow[]) => Promise<Map<string, number>>;

interface Activity {
  /** In the session's row, milliseconds since the epoch. */
  written: number;
  /** What this process was told since; null: nothing. */
  told: number | null;
  /** What any streamer wrote down, in milliseconds since then; null: nothing. */
  anywhereMs: number | null;
}

/** Milliseconds since the latest of it. */
export function idleMsOf({ written, told, anywhereMs }: Activity): number {
  const idleMs = Math.min(Date.now() - Math.max(written, told ?? 0), anywhereMs ?? Number.POSITIVE_INFINITY);
  return Math.max(0, idleMs);
}

export function createIdleTimes(usage: UsageLedger, holders: SessionHolders): IdleTimes {
  return async (rows) => {
    if (rows.length === 0) return new Map();
    const anywhere = await holders.idleTimes(rows.map((row) => row.session_hash));
    return new Map(
      rows.map(({ session_hash: hash, last_seen_at: written }) => {
        const anywhereMs = anywhere.get(hash) ?? null;
        return [hash, idleMsOf({ written, told: usage.lastSeenAt(hash), anywhereMs })];
      }),
    );
  };
}
