import type { SessionUsage } from '../../../contracts';
import type { SessionStore } from './store';

const FLUSH_AFTER_MS = 5000;

interface Entry {
  bytes: number;
  mediaSeconds: number;
  lastSeenAt: number;
  since: number;
}

/**
 * Collects what streamers report each second and writes it every few seconds, because a thousand row updates a second
 * would cost more than the playback. A crash of Strapi loses at most those seconds of counters, never a decision.
 */
export class UsageLedger {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly store: SessionStore) {}

  add(usage: SessionUsage): void {
    const now = Date.now();
    const entry = this.entries.get(usage.session) ?? { bytes: 0, mediaSeconds: 0, lastSeenAt: 0, since: now };
    entry.bytes += usage.bytes;
    entry.mediaSeconds += usage.mediaSeconds;
    entry.lastSeenAt = Math.max(entry.lastSeenAt, now - usage.idleMs);
    this.entries.set(usage.session, entry);
  }

  /** Writes what is old enough; `all` writes everything. */
  async flush(all = false): Promise<void> {
    const now = Date.now();
    for (const [session, entry] of this.entries) {
      if (!all && now - entry.since < FLUSH_AFTER_MS) continue;
      this.entries.delete(session);
      await this.store.addUsage(session, entry);
    }
  }
}
