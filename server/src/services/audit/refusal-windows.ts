import { type AuditEvent, type AuditRecord, newRecord, originOfEvent, vouchingToken } from './event';

const WINDOW_MS = 60_000;
/** Rows within a minute that one who is named may cause, and all who are not named or can be made up together. */
const MAX_NAMED = 60;
const MAX_CROWD = 600;
const MAX_OPEN = 10_000;

/** Refusals that share one row. */
export interface RefusalWindow {
  readonly record: AuditRecord;
  /** Counted, and not in the row yet, which was written before. */
  added: number;
  readonly groups: readonly Group[];
}

/** Who may cause so many rows together, and by what these are told from the others once they are too many. */
interface Group {
  who: string;
  maxRows: number;
  origin: AuditEvent['origin'];
}

interface Identity {
  groups: Group[];
  key: string;
}

/** The widest first. An API token can make up as many subjects as it likes: they are counted together as well. */
function groupsOf(event: AuditEvent): Group[] {
  const origin = originOfEvent(event);
  const apiToken = vouchingToken(event);
  const groups: Group[] = [];
  if (apiToken !== null) {
    const vouching = { kind: 'api-token', id: apiToken };
    groups.push({ who: `subjects of ${apiToken}`, maxRows: MAX_CROWD, origin: vouching });
  }
  if (typeof origin?.id === 'string') {
    groups.push({ who: `${origin.kind}:${origin.id}`, maxRows: MAX_NAMED, origin });
  } else if (apiToken === null) {
    groups.push({ who: origin?.kind ?? '', maxRows: MAX_CROWD, origin: { kind: origin?.kind ?? 'public' } });
  }
  return groups;
}

function identify(event: AuditEvent): Identity {
  const origin = originOfEvent(event);
  const isNamed = typeof origin?.id === 'string';
  // Who is not named is told apart by the network, and so are the guests of one link.
  const network = isNamed && origin.kind !== 'guest-link' ? null : (event.clientPrefix ?? null);
  const key = JSON.stringify([origin?.kind, origin?.id, network, event.video ?? null, event.reason ?? null]);
  return { groups: groupsOf(event), key };
}

/**
 * Equal refusals (same who, video and reason) within a minute share one row (S26). Who asks for ever new videos gets rows
 * up to a limit, and then one that names no video: a refusal always has a reference, and the table does not grow with the
 * patience of those who are refused.
 */
export class RefusalWindows {
  readonly #open = new Map<string, RefusalWindow>();
  readonly #rowsOf = new Map<string, number>();
  #over: RefusalWindow[] = [];

  /** `isNew`: the record is to be written; otherwise the refusal is counted in one that was handed out before. */
  add(event: AuditEvent, now = Date.now()): { record: AuditRecord; isNew: boolean } {
    const { groups, key } = identify(event);
    const known = this.#count(key, now);
    if (known) return { record: known, isNew: false };
    const full = groups.find(({ who, maxRows }) => (this.#rowsOf.get(who) ?? 0) >= maxRows);
    if (!full && this.#open.size < MAX_OPEN) return { record: this.#begin(key, groups, event, now), isNew: true };
    // Without what may be made up at will, and without the reason: who compares references would learn it.
    const less = { kind: event.kind, origin: full?.origin ?? { kind: event.origin?.kind ?? 'public' } };
    const lessKey = JSON.stringify([less.origin]);
    const shared = this.#count(lessKey, now);
    if (shared) return { record: shared, isNew: false };
    return { record: this.#begin(lessKey, groups, less, now), isNew: true };
  }

  /** Those that are over and whose rows lack something. What is written is subtracted from `added`. */
  over(now = Date.now()): RefusalWindow[] {
    for (const [key, window] of this.#open) if (window.record.at + WINDOW_MS <= now) this.#close(key, window);
    this.#over = this.#over.filter(({ added }) => added > 0);
    return this.#over.filter(({ record }) => record.isWritten);
  }

  /** The same of those that go on. */
  open(): RefusalWindow[] {
    return [...this.#open.values()].filter(({ added, record }) => added > 0 && record.isWritten);
  }

  #count(key: string, now: number): AuditRecord | null {
    const window = this.#open.get(key);
    if (!window) return null;
    const { record } = window;
    if (record.at + WINDOW_MS <= now) {
      this.#close(key, window);
      return null;
    }
    record.lastAt = now;
    if (record.isWritten) window.added += 1;
    else record.count += 1;
    return record;
  }

  #begin(key: string, groups: readonly Group[], event: AuditEvent, now: number): AuditRecord {
    const record = newRecord(event, now);
    this.#open.set(key, { record, added: 0, groups });
    for (const { who } of groups) this.#rowsOf.set(who, (this.#rowsOf.get(who) ?? 0) + 1);
    return record;
  }

  #close(key: string, window: RefusalWindow): void {
    this.#open.delete(key);
    if (window.added > 0 && this.#over.length < MAX_OPEN) this.#over.push(window);
    for (const { who } of window.groups) {
      const rows = (this.#rowsOf.get(who) ?? 1) - 1;
      if (rows > 0) this.#rowsOf.set(who, rows);
      else this.#rowsOf.delete(who);
    }
  }
}
