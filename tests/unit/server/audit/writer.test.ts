import type { Core } from '@strapi/strapi';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../../../server/src/services/audit/event';
import type { EventTable } from '../../../../server/src/services/audit/event-table';
import { AuditWriter } from '../../../../server/src/services/audit/writer';

const CAPACITY = 10_000;

/** A table in memory, which can be out of order. */
class MemoryTable implements EventTable {
  rows: AuditRecord[] = [];
  isDown = false;
  refuses: (record: AuditRecord) => boolean = () => false;

  async insert(records: readonly AuditRecord[]): Promise<void> {
    if (this.isDown) throw Object.assign(new Error('insert into … values (…)'), { code: 'SQLITE_BUSY' });
    // As PostgreSQL does with text that it cannot keep.
    if (records.some(this.refuses)) throw Object.assign(new Error('insert into …'), { code: '22021' });
    this.rows.push(...records);
  }
  async raise(): Promise<void> {}
  async endedBy() {
    return [];
  }
}

let table: MemoryTable;
let writer: AuditWriter;
let errors: string[];
let told: AuditRecord[];

beforeEach(() => {
  table = new MemoryTable();
  errors = [];
  told = [];
  const log = { error: (message: string) => errors.push(message) };
  writer = new AuditWriter({ log } as unknown as Core.Strapi, table, (record) => void told.push(record));
});

const record = (count: number) => {
  for (let at = 0; at < count; at += 1) writer.record({ kind: 'redemption' });
};

describe('the audit’s writer', () => {
  it('writes in the order of recording, and everything once', async () => {
    const references = Array.from({ length: 1234 }, () => writer.record({ kind: 'redemption' }));
    await writer.close();
    expect(table.rows.map(({ reference }) => reference)).toEqual(references);
  });

  it('keeps what a database that is away does not take, and tells of it once and without the statement', async () => {
    table.isDown = true;
    record(3);
    for (let at = 0; at < 5; at += 1) await writer.flush();
    expect(errors).toEqual([expect.stringContaining('(SQLITE_BUSY)')]);
    expect(errors[0]).not.toContain('insert');
    table.isDown = false;
    await writer.flush();
    expect(table.rows).toHaveLength(3);
  });

  it('gives up a row that no table takes, counts it, and writes the others', async () => {
    const bad = writer.record({ kind: 'refusal', role: 'bad' });
    record(3);
    table.refuses = ({ reference }) => reference === bad;
    await writer.flush();
    expect(table.rows.filter(({ event }) => event.kind === 'redemption')).toHaveLength(3);
    expect(table.rows.filter(({ event }) => event.kind === 'lost').map(({ count }) => count)).toEqual([1]);
    expect(errors).toEqual([]);
  });

  it('counts what finds no place and writes that number', async () => {
    table.isDown = true;
    record(CAPACITY + 250);
    table.isDown = false;
    await writer.close();
    expect(table.rows).toHaveLength(CAPACITY + 1);
    expect(table.rows.at(-1)).toMatchObject({ event: { kind: 'lost' }, count: 250 });
  });

  it('tells other code of each record once, whether it can be written or not', async () => {
    table.isDown = true;
    record(CAPACITY + 1);
    writer.record({ kind: 'refusal', reason: 'not-today' });
    writer.record({ kind: 'refusal', reason: 'not-today' });
    await writer.flush();
    table.isDown = false;
    await writer.close();
    expect(told).toHaveLength(CAPACITY + 2);
    expect(told.at(-1)?.event.kind).toBe('refusal');
  });

  it('counts unknown credentials in one row', async () => {
    for (let at = 0; at < 5000; at += 1) writer.countUnknownCredential();
    await writer.flush();
    expect(table.rows).toEqual([]);
    await writer.close();
    expect(table.rows).toMatchObject([{ event: { kind: 'unknown-credentials' }, count: 5000 }]);
  });
});
