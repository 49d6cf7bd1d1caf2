import type { AuditRecord } from './event';

/** What waits to be written. Bounded: a database that is away costs rows, and never memory or playback. */
export class EventQueue {
  #waiting: AuditRecord[] = [];
  #lost = 0;

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.#waiting.length;
  }

  push(record: AuditRecord): void {
    if (this.#waiting.length < this.capacity) {
      this.#waiting.push(record);
      return;
    }
    this.#lost += record.count;
    record.isWritten = true;
  }

  /** Hands out the oldest; their counts are final. */
  take(count: number): AuditRecord[] {
    const records = this.#waiting.splice(0, count);
    for (const record of records) record.isWritten = true;
    return records;
  }

  /** In front of the others; they were not written. */
  giveBack(records: AuditRecord[]): void {
    this.#waiting = [...records, ...this.#waiting];
  }

  /** Gives up what no table takes. */
  lose({ count }: AuditRecord): void {
    this.#lost += count;
  }

  /** How many found no place, or were given up, since this was asked last. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }
}
