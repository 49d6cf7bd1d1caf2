import { LRUCache } from 'lru-cache';
import type { SessionUsage } from '../../../contracts';

const MAX_SESSIONS = 100_000;

export interface Usage {
  bytes: number;
  mediaSeconds: number;
  /** Milliseconds since the epoch. */
  lastSeenAt: number;
}

/**
 * Collects what streamers report each second until the session's row is written anyway, with its renewal: a thousand
 * row updates a second would cost more than the playback. A crash of Strapi loses the counters of half a lease at most,
 * never a decision.
 */
export class UsageLedger {
  readonly #entries = new LRUCache<string, Usage>({ max: MAX_SESSIONS });

  add(report: SessionUsage): void {
    const lastSeenAt = Date.now() - report.idleMs;
    this.giveBack(report.session, { bytes: report.bytes, mediaSeconds: report.mediaSeconds, lastSeenAt });
  }

  /** When the session's client was last active, as far as this process was told; null: it was told nothing. */
  lastSeenAt(session: string): number | null {
    return this.#entries.get(session)?.lastSeenAt ?? null;
  }

  /** Hands out what was collected; the caller writes it or gives it back. */
  take(session: string): Usage | null {
    const entry = this.#entries.get(session) ?? null;
    this.#entries.delete(session);
    return entry;
  }

  giveBack(session: string, usage: Usage): void {
    const entry = this.#entries.get(session);
    this.#entries.set(session, {
      bytes: usage.bytes + (entry?.bytes ?? 0),
      mediaSeconds: usage.mediaSeconds + (entry?.mediaSeconds ?? 0),
      lastSeenAt: Math.max(usage.lastSeenAt, entry?.lastSeenAt ?? 0),
    });
  }
}
