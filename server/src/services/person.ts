import type { AuditParty } from '../../contracts';
import { shownSubject, subjectKey } from '../tokens/subject-origin';

/**
 * Somebody of whom something is kept: a Users & Permissions user, a user who lives elsewhere (as the audit names one), or
 * the guests of one link, who are nobody else's.
 */
export type Person = { user: string } | { subject: string } | { guestLink: string };

export interface PersonOrigin {
  kind: 'user' | 'subject' | 'guest-link';
  id: string;
}

/** As origins are stored. */
export function originOfPerson(person: Person): PersonOrigin {
  if ('user' in person) return { kind: 'user', id: person.user };
  if ('subject' in person) return { kind: 'subject', id: subjectKey(person.subject) };
  return { kind: 'guest-link', id: person.guestLink };
}

/** Columns of sessions and audit rows that name the person. */
export function columnsOfPerson(person: Person): { origin_kind: string; origin_id: string } {
  const { kind, id } = originOfPerson(person);
  return { origin_kind: kind, origin_id: id };
}

type PersonFilters = Record<'user' | 'subject' | 'guestLink', string | undefined>;

/** Whom the filters of a list name; each of them holds. */
export function personsIn({ user, subject, guestLink }: PersonFilters): Person[] {
  return [
    ...(user === undefined ? [] : [{ user }]),
    ...(subject === undefined ? [] : [{ subject }]),
    ...(guestLink === undefined ? [] : [{ guestLink }]),
  ];
}

/** A stored origin as administrators are told it. */
export function shownParty(kind: string, id: string | null): AuditParty {
  return { kind, id: kind === 'subject' && id !== null ? shownSubject(id) : id };
}
