import type { AuditParty } from '../../contracts';
import { shownSubject, subjectKey } from '../tokens/subject-origin';

/**
 * Somebody of whom something is kept: a Users & Permissions user, a user who lives elsewhere (as the audit names one), the
 * guests of one link, who are nobody else's, or an administrator.
 */
export type Person = { user: string } | { subject: string } | { guestLink: string } | { admin: string };

export interface PersonOrigin {
  kind: 'user' | 'subject' | 'guest-link' | 'admin';
  id: string;
}

/** As origins are stored. */
export function originOfPerson(person: Person): PersonOrigin {
  if ('user' in person) return { kind: 'user', id: person.user };
  if ('subject' in person) return { kind: 'subject', id: subjectKey(person.subject) };
  if ('admin' in person) return { kind: 'admin', id: person.admin };
  return { kind: 'guest-link', id: person.guestLink };
}

/** Columns of sessions and audit rows that name the person. */
export function columnsOfPerson(person: Person): { origin_kind: string; origin_id: string } {
  const { kind, id } = originOfPerson(person);
  return { origin_kind: kind, origin_id: id };
}

type PersonFilters = Record<'user' | 'subject' | 'guestLink' | 'admin', string | undefined>;

/** Whom the filters of a list name; each of them holds. */
export function personsIn({ user, subject, guestLink, admin }: PersonFilters): Person[] {
  return [
    ...(user === undefined ? [] : [{ user }]),
    ...(subject === undefined ? [] : [{ subject }]),
    ...(guestLink === undefined ? [] : [{ guestLink }]),
    ...(admin === undefined ? [] : [{ admin }]),
  ];
}

/** How the audit keeps an id: that of an admin token with its owner's, for the token may go. */
export function storedId({ id, owner }: Pick<AuditParty, 'id' | 'owner'>): string | null {
  return id === null || owner === undefined ? id : `${id}:${owner}`;
}

/** Those of all admin tokens of an administrator, as `storedId` keeps them: for SQL's `LIKE`. */
export const storedTokensOf = (admin: string): string => `%:${admin}`;

/** A stored origin as administrators are told it. */
export function shownParty(kind: string, stored: string | null): AuditParty {
  if (stored === null) return { kind, id: null };
  if (kind === 'subject') return { kind, id: shownSubject(stored) };
  const [id = '', owner] = stored.split(':');
  return { kind, id, ...(owner !== undefined && { owner }) };
}
