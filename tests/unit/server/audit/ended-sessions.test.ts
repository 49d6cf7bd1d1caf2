import { beforeEach, describe, expect, it } from 'vitest';
import { EndedSessions } from '../../../../server/src/services/audit/ended-sessions';
import { ENDED_A_PAGE, type EndMark } from '../../../../server/src/services/audit/event-table';

/** Sessions by mark, in the order of their ids. */
let rows: { id: number; mark: string }[];
let fails: boolean;
let ends: EndedSessions;

beforeEach(() => {
  rows = [];
  fails = false;
  ends = new EndedSessions(async (marks: readonly EndMark[], after: number) => {
    if (fails) throw new Error('the database is away');
    const known = new Set(marks.map(({ mark }) => mark));
    const found = rows.filter(({ id, mark }) => known.has(mark) && id > after).slice(0, ENDED_A_PAGE);
    return found.map(({ id, mark }) => ({ id, mark, event: { kind: 'end', session: String(id) } }));
  });
});

const note = (mark: string) => ends.note({ mark, actor: null, rules: new Map() });
async function rest(): Promise<string[]> {
  const told: string[] = [];
  for (let page = await ends.next(); page !== null; page = await ends.next()) {
    told.push(...page.map(({ event }) => event.session ?? ''));
  }
  return told;
}
const numbers = (count: number) => Array.from({ length: count }, (_, at) => String(at + 1));

describe('sessions that a statement ended', () => {
  it.each([0, 1, ENDED_A_PAGE, 2 * ENDED_A_PAGE + 1])('are handed out once each, were they %i', async (count) => {
    rows = numbers(count).map((id) => ({ id: Number(id), mark: 'one' }));
    note('one');
    expect(await rest()).toEqual(numbers(count));
    expect(await rest()).toEqual([]);
  });

  it('are handed out once where the database fails in between and other statements come meanwhile', async () => {
    rows = numbers(ENDED_A_PAGE + 10).map((id) => ({ id: Number(id), mark: 'one' }));
    note('one');
    const first = await ends.next();
    fails = true;
    await expect(ends.next()).rejects.toThrow('away');
    rows.unshift({ id: 0.5, mark: 'two' });
    note('two');
    fails = false;
    const told = [...(first ?? []).map(({ event }) => event.session), ...(await rest())];
    expect(told).toEqual([...numbers(ENDED_A_PAGE + 10), '0.5']);
  });
});
