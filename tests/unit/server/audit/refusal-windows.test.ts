import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../../../server/src/services/audit/event';
import { RefusalWindows } from '../../../../server/src/services/audit/refusal-windows';

const MINUTE = 60_000;
const START = 1_700_000_000_000;

let windows: RefusalWindows;

beforeEach(() => {
  windows = new RefusalWindows();
});

function refusal(facts: Partial<AuditEvent> = {}): AuditEvent {
  return { kind: 'refusal', origin: { kind: 'user', id: '1' }, video: 'a', reason: 'not-today', ...facts };
}

describe('S26 refusals', () => {
  it('of the same who, video and reason within a minute are one record', () => {
    const first = windows.add(refusal(), START);
    const second = windows.add(refusal({ clientPrefix: '192.0.2.0/24' }), START + MINUTE - 1);
    expect(first.isNew).toBe(true);
    expect(second).toEqual({ record: first.record, isNew: false });
    expect(first.record).toMatchObject({ count: 2, at: START, lastAt: START + MINUTE - 1 });
  });

  it.each([
    ['user', { origin: { kind: 'user', id: '2' } }],
    ['video', { video: 'b' }],
    ['reason', { reason: 'never' }],
  ])('of another %s are another record', (_name, facts) => {
    windows.add(refusal(), START);
    expect(windows.add(refusal(facts), START).isNew).toBe(true);
  });

  it('a minute later are another record', () => {
    windows.add(refusal(), START);
    expect(windows.add(refusal(), START + MINUTE).isNew).toBe(true);
  });

  it('of visitors without a name are told apart by their network', () => {
    const visitor = (clientPrefix: string) => refusal({ origin: { kind: 'public' }, clientPrefix });
    windows.add(visitor('192.0.2.0/24'), START);
    expect(windows.add(visitor('192.0.2.0/24'), START).isNew).toBe(false);
    expect(windows.add(visitor('203.0.113.0/24'), START).isNew).toBe(true);
  });

  it('that come after the row was written are what the row lacks, once', () => {
    const { record } = windows.add(refusal(), START);
    record.isWritten = true;
    for (let at = 0; at < 3; at += 1) windows.add(refusal(), START + at);
    expect(record.count).toBe(1);
    const [window, ...others] = windows.open();
    expect(others).toEqual([]);
    expect(window).toMatchObject({ record, added: 3 });
    if (window) window.added -= 3;
    expect(windows.open()).toEqual([]);
  });

  it('of a window that is over are not forgotten, also where the next one has begun', () => {
    const { record } = windows.add(refusal(), START);
    record.isWritten = true;
    windows.add(refusal(), START + 1);
    windows.add(refusal(), START + MINUTE);
    expect(windows.over(START + MINUTE)).toMatchObject([{ record, added: 1 }]);
    expect(windows.over(START + MINUTE)).toHaveLength(1);
  });

  it('of a user who is not found name nobody', () => {
    const gone = (id: string) => refusal({ origin: { kind: 'user', id }, reason: 'caller-unknown' });
    windows.add(gone('1'), START);
    expect(windows.add(gone('2'), START).isNew).toBe(false);
  });
});

it('S26 a refusal for which nobody looked whether the administrator is still there names nobody', () => {
  const late = (id: string) => refusal({ origin: { kind: 'admin', id }, reason: 'token-expired' });
  windows.add(late('1'), START);
  expect(windows.add(late('2'), START).isNew).toBe(false);
});

describe('S26 a flood of refusals', () => {
  const records = (events: AuditEvent[]) =>
    new Set(events.map((event) => windows.add(event, START).record.reference)).size;

  it('by one user for ever new videos gets 60 records and one more', () => {
    const events = Array.from({ length: 1000 }, (_, at) => refusal({ video: `v${at}` }));
    expect(records(events)).toBe(61);
    expect(windows.add(refusal({ origin: { kind: 'user', id: '2' } }), START).record.event.video).toBe('a');
  });

  it('by visitors of ever new networks gets 600 records and one more', () => {
    const visitor = (at: number) =>
      refusal({ origin: { kind: 'public' }, clientPrefix: `10.${at >> 8}.${at & 255}.0/24` });
    expect(records(Array.from({ length: 5000 }, (_, at) => visitor(at)))).toBe(601);
    // Not the reason either: equal references would tell a visitor that two reasons are equal.
    expect(windows.add(visitor(5001), START).record.event).toEqual({ kind: 'refusal', origin: { kind: 'public' } });
  });

  /** Anybody whom the holder of API token 7 may make up. */
  const subject = (id: number, facts: Partial<AuditEvent> = {}) =>
    refusal({ origin: { kind: 'subject', id: `7:user-${id}` }, ...facts });

  it('by ever new subjects of one API token gets 600 records, and one more that names the token', () => {
    const events = Array.from({ length: 5000 }, (_, at) => subject(at));
    expect(records(events)).toBe(601);
    const origin = { kind: 'api-token', id: '7' };
    expect(windows.add(subject(5001), START).record.event).toEqual({ kind: 'refusal', origin });
    // Nobody else is told less of for it, nor are the subjects of another token.
    for (const other of [{ kind: 'user', id: '9' }, { kind: 'public' }, { kind: 'subject', id: '8:user-1' }]) {
      expect(windows.add(refusal({ origin: other }), START).record.event).toMatchObject({ origin: other, video: 'a' });
    }
  });

  it('by one subject for ever new videos gets 60 records and one more, which names the subject', () => {
    const events = Array.from({ length: 100 }, (_, at) => subject(1, { video: `v${at}` }));
    expect(records(events)).toBe(61);
    expect(windows.add(subject(1, { video: 'another' }), START).record.event.origin).toEqual(subject(1).origin);
    expect(windows.add(subject(2), START).record.event).toEqual(subject(2));
  });

  it('by subjects whose role was made up is one record of the API token', () => {
    const events = Array.from({ length: 100 }, (_, at) => subject(at, { reason: 'role-unknown', role: `role-${at}` }));
    expect(records(events)).toBe(1);
    expect(records(events.map((event, at) => ({ ...event, video: `v${at}` })))).toBe(60);
  });

  it('by subjects whom nobody looked up is counted for each API token', () => {
    const unsure = (token: number, at: number) =>
      refusal({ origin: { kind: 'subject', id: `${token}:x` }, reason: 'subject-changed', video: `v${at}` });
    expect(records(Array.from({ length: 1000 }, (_, at) => unsure(7, at)))).toBe(601);
    expect(windows.add(unsure(8, 5000), START).record.event.video).toBe('v5000');
  });

  it('by ever new users is bounded too', () => {
    const events = Array.from({ length: 12_000 }, (_, at) => refusal({ origin: { kind: 'user', id: String(at) } }));
    expect(records(events)).toBe(10_001);
  });

  it('leaves nothing behind once it is over', () => {
    for (let at = 0; at < 1000; at += 1) windows.add(refusal({ video: `v${at}` }), START);
    windows.over(START + MINUTE);
    const { record, isNew } = windows.add(refusal({ video: 'v999' }), START + MINUTE);
    expect({ isNew, video: record.event.video }).toEqual({ isNew: true, video: 'v999' });
  });
});
