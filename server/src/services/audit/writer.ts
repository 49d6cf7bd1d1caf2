import type { Core } from '@strapi/strapi';
import type { RuleDenial } from '../entitlement/decision';
import { EndedSessions } from './ended-sessions';
import { type AuditEvent, type AuditRecord, newRecord } from './event';
import { EventQueue } from './event-queue';
import type { EventTable } from './event-table';
import { RefusalWindows } from './refusal-windows';
import { adminOf } from './requester';

const FLUSH_EVERY_MS = 1_000;
/** Reached before the second is over: written at once. */
const FLUSH_AT = 500;
const CAPACITY = 10_000;
const ROWS_A_STATEMENT = 200;
const COUNTED_EVERY_MS = 60_000;

/** Credentials that nobody made: a number, however many come (S26). */
class UnknownCredentials {
  #count = 0;
  #since = 0;

  add(): void {
    if (this.#count === 0) this.#since = Date.now();
    this.#count += 1;
  }

  isDue(): boolean {
    return this.#count > 0 && this.#since + COUNTED_EVERY_MS <= Date.now();
  }

  take(): AuditRecord | null {
    if (this.#count === 0) return null;
    const record = newRecord({ kind: 'unknown-credentials' }, this.#since);
    record.count = this.#count;
    record.lastAt = Date.now();
    this.#count = 0;
    return record;
  }
}

/** PostgreSQL's classes 22 and 23 (SQLSTATE), and what MySQL and MariaDB call the same: trying again changes nothing. */
function isOfValue(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^2[23]\w{3}$|^ER_(TRUNCATED|DATA_|WARN_DATA|INVALID_CHARACTER)/.test(code);
}

/** Writes down what happened, in batches and never in the way of what happens: a failure costs rows, not playback. */
export class AuditWriter {
  readonly #queue = new EventQueue(CAPACITY);
  readonly #refusals = new RefusalWindows();
  readonly #unknown = new UnknownCredentials();
  readonly #ends: EndedSessions;
  #writing: Promise<void> = Promise.resolve();
  #isBusy = false;
  #isFailing = false;
  #timer: NodeJS.Timeout | undefined;

  /** `tell` hears of each record once, whether it can be written or not. */
  constructor(
    private readonly strapi: Core.Strapi,
    private readonly table: EventTable,
    private readonly tell: (record: AuditRecord) => void,
  ) {
    this.#ends = new EndedSessions((marks, after) => table.endedBy(marks, after));
  }

  record(event: AuditEvent): string {
    if (event.kind !== 'refusal') return this.#push(newRecord(event));
    const { record, isNew } = this.#refusals.add(event);
    return isNew ? this.#push(record) : record.reference;
  }

  countUnknownCredential(): void {
    this.#unknown.add();
  }

  noteEnds(mark: string, rules: ReadonlyMap<string, RuleDenial>): void {
    this.#ends.note({ mark, actor: adminOf(this.strapi), rules });
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), FLUSH_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const unknown = this.#unknown.take();
    if (unknown) this.#push(unknown);
    await this.flush();
  }

  /** Also the counts of refusals that may still rise. */
  flush(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#write();
      for (const window of this.#refusals.open()) await this.table.raise(window);
    });
  }

  /** One after the other; a failure is told once and tried again later. */
  #inTurn(write: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      try {
        this.#isBusy = true;
        await write();
        this.#isFailing = false;
      } catch (error) {
        if (!this.#isFailing) this.#report(error);
        this.#isFailing = true;
      } finally {
        this.#isBusy = false;
      }
    });
    return this.#writing;
  }

  #push(record: AuditRecord): string {
    this.#queue.push(record);
    this.tell(record);
    if (this.#queue.size === FLUSH_AT) void this.#inTurn(() => this.#write());
    return record.reference;
  }

  #tick(): void {
    const unknown = this.#unknown.isDue() ? this.#unknown.take() : null;
    if (unknown) this.#push(unknown);
    if (!this.#isBusy) void this.#inTurn(() => this.#write());
  }

  async #write(): Promise<void> {
    await this.#resolveEnds();
    await this.#writeQueue();
    const lost = this.#queue.takeLost();
    if (lost > 0) {
      const record = newRecord({ kind: 'lost' });
      record.count = lost;
      this.#queue.push(record);
      await this.#writeBatch();
    }
    for (const window of this.#refusals.over()) await this.table.raise(window);
  }

  async #writeQueue(): Promise<void> {
    while (this.#queue.size > 0) await this.#writeBatch();
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#queue.take(ROWS_A_STATEMENT);
    try {
      await this.table.insert(batch);
    } catch (error) {
      if (!isOfValue(error)) {
        this.#queue.giveBack(batch);
        throw error;
      }
      await this.#writeEach(batch);
    }
  }

  /** One that no table takes must not keep the others waiting for ever: it is given up, and counted. */
  async #writeEach(batch: readonly AuditRecord[]): Promise<void> {
    for (const [at, record] of batch.entries()) {
      try {
        await this.table.insert([record]);
      } catch (error) {
        if (!isOfValue(error)) {
          this.#queue.giveBack(batch.slice(at));
          throw error;
        }
        this.#queue.lose(record);
      }
    }
  }

  /** A statement may have ended thousands of sessions: page by page. */
  async #resolveEnds(): Promise<void> {
    for (let page = await this.#ends.next(); page !== null; page = await this.#ends.next()) {
      for (const record of page) {
        this.#queue.push(record);
        this.tell(record);
      }
      await this.#writeQueue();
    }
  }

  /** A driver's message repeats the statement and its values. */
  #report(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    this.strapi.log.error(`protected-vod: the audit cannot be written (${code}); it is kept in memory meanwhile.`);
  }
}
