import type { Core } from '@strapi/strapi';
import { type AuditEvent, type AuditRecord, newRecord } from './event';
import { EventQueue } from './event-queue';
import { ENDED_A_PAGE, type EndMark, type EventTable } from './event-table';
import { derivedReference } from './reference';
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

/** Writes down what happened, in batches and never in the way of what happens: a failure costs rows, not playback. */
export class AuditWriter {
  readonly #queue = new EventQueue(CAPACITY);
  readonly #refusals = new RefusalWindows();
  readonly #unknown = new UnknownCredentials();
  #marks: EndMark[] = [];
  #writing: Promise<void> = Promise.resolve();
  #isBusy = false;
  #isFailing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly strapi: Core.Strapi,
    private readonly table: EventTable,
  ) {}

  record(event: AuditEvent): string {
    if (event.kind !== 'refusal') return this.#push(newRecord(event));
    const { record, isNew } = this.#refusals.add(event);
    return isNew ? this.#push(record) : record.reference;
  }

  countUnknownCredential(): void {
    this.#unknown.add();
  }

  noteEnds(mark: string): void {
    // No bound of its own: each is one statement of somebody who ends sessions.
    this.#marks.push({ mark, actor: adminOf(this.strapi) });
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
      this.#queue.giveBack(batch);
      throw error;
    }
  }

  /** A statement may have ended thousands of sessions: page by page. */
  async #resolveEnds(): Promise<void> {
    const marks = this.#marks.slice(0, ROWS_A_STATEMENT);
    if (marks.length === 0) return;
    for (let after = 0; ; ) {
      const ended = await this.table.endedBy(marks, after);
      for (const { event, mark } of ended) {
        if (event === null) continue;
        // The same however often it is tried: no end gets two rows.
        this.#queue.push(newRecord(event, Date.now(), derivedReference(`${mark} ${event.session}`)));
      }
      await this.#writeQueue();
      after = ended.at(-1)?.id ?? after;
      if (ended.length < ENDED_A_PAGE) break;
    }
    this.#marks.splice(0, marks.length);
  }

  /** A driver's message repeats the statement and its values. */
  #report(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    this.strapi.log.error(`protected-vod: the audit cannot be written (${code}); it is kept in memory meanwhile.`);
  }
}
