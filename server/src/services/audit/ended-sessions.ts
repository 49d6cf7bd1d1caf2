import { type AuditRecord, newRecord } from './event';
import { ENDED_A_PAGE, type EndMark, type EventTable } from './event-table';
import { derivedReference } from './reference';

const MARKS_AT_ONCE = 200;

/** The sessions that statements ended, as their rows tell them. Where a read fails, the next one goes on from there. */
export class EndedSessions {
  #marks: EndMark[] = [];
  #current: { marks: EndMark[]; after: number } | null = null;

  constructor(private readonly endedBy: EventTable['endedBy']) {}

  /** No bound of its own: each is one statement of somebody who ends sessions. */
  note(mark: EndMark): void {
    this.#marks.push(mark);
  }

  /** A page of them, each handed out once; null: there are no more. */
  async next(): Promise<AuditRecord[] | null> {
    if (this.#current === null && this.#marks.length > 0) {
      this.#current = { marks: this.#marks.splice(0, MARKS_AT_ONCE), after: 0 };
    }
    const current = this.#current;
    if (current === null) return null;
    const ended = await this.endedBy(current.marks, current.after);
    const last = ended.at(-1);
    if (last && ended.length === ENDED_A_PAGE) current.after = last.id;
    else this.#current = null;
    return ended.flatMap(({ event, mark }) => {
      if (event === null) return [];
      return [newRecord(event, Date.now(), derivedReference(`${mark} ${event.session}`))];
    });
  }
}
