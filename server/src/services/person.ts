import { shownSubject, subjectKey } from '../tokens/subject-origin';

/** Somebody of whom something is kept: a Users & Permissions user, or a user who lives elsewhere, as the audit names one. */
export type Person = { user: string } | { subject: string };

/** As origins are stored. */
export function originOfPerson(person: Person): { kind: 'user' | 'subject'; id: string } {
  return 'user' in person ? { kind: 'user', id: person.user } : { kind: 'subject', id: subjectKey(person.subject) };
}

/** Columns of sessions and audit rows that name the person. */
export function columnsOfPerson(person: Person): { origin_kind: string; origin_id: string } {
  const { kind, id } = originOfPerson(person);
  return { origin_kind: kind, origin_id: id };
}

/** A stored origin as administrators are told it. */
export function shownParty(kind: string, id: string | null): { kind: string; id: string | null } {
  return { kind, id: kind === 'subject' && id !== null ? shownSubject(id) : id };
}
