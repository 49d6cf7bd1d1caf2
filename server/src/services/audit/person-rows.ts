import type { Core } from '@strapi/strapi';
import { columnsOfPerson, type Person, storedTokensOf } from '../person';

type Query = ReturnType<Core.Strapi['db']['getConnection']>;

/** Rows of the audit that concern an administrator, who may have acted by a token as well; see `storedId`. */
function concerns(admin: string) {
  return (query: Query) =>
    query
      .where({ origin_kind: 'admin', origin_id: admin })
      .orWhere((byToken) =>
        byToken.where({ origin_kind: 'admin-token' }).where('origin_id', 'like', storedTokensOf(admin)),
      );
}

/** How the column `actor` names the tokens of an administrator. */
export const tokensActing = (admin: string): string => `admin-token:${storedTokensOf(admin)}`;

/** What an administrator did, to whomever. */
export function rowsBy(admin: string) {
  return (query: Query) => query.where({ actor: `admin:${admin}` }).orWhere('actor', 'like', tokensActing(admin));
}

/** Rows of the audit that concern a person. */
export function rowsOf(person: Person) {
  const { origin_kind, origin_id } = columnsOfPerson(person);
  return 'admin' in person ? concerns(person.admin) : (query: Query) => query.where({ origin_kind, origin_id });
}

/** The same, and those that tell what the person did. */
export function rowsAbout(person: Person) {
  const ofPerson = rowsOf(person);
  if (!('admin' in person)) return ofPerson;
  return (query: Query) => query.where(ofPerson).orWhere(rowsBy(person.admin));
}
