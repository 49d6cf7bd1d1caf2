import { VIDEO_UID } from '../../../content-types/uids';
import type { Filters, Pattern, PatternPart, Subject, SubjectPlace } from './pattern';
import { type FilterCheck, plainFilter, publishedOnly, recordOf, targetOf } from './plain-filter';

export const USER_UID = 'plugin::users-permissions.user';

/** By which attribute of its own type a subject is known. */
const IDENTITY: Record<Subject, { uid: string; attribute: string }> = {
  user: { uid: USER_UID, attribute: 'id' },
  video: { uid: VIDEO_UID, attribute: 'documentId' },
};
const TEXT = new Set(['string', 'text', 'uid']);
const NUMBERS = new Set(['increments', 'integer', 'biginteger']);

/** Whether its rows are the user or the video themselves: a row then speaks only of itself. */
export function isSubject({ uid, subjects }: Pattern): boolean {
  return subjects.some(
    ({ attribute, subject }) => IDENTITY[subject].uid === uid && IDENTITY[subject].attribute === attribute,
  );
}

/** `$user` and `{ $eq: '$user' }` alike. */
function subjectIn(value: unknown): Subject | null {
  const record = recordOf(value);
  const named = record && Object.keys(record).length === 1 ? record.$eq : value;
  if (named === '$user') return 'user';
  return named === '$video' ? 'video' : null;
}

function holdsPlaceholder(value: unknown): boolean {
  if (value === '$user' || value === '$video') return true;
  if (Array.isArray(value)) return value.some(holdsPlaceholder);
  return Object.values(recordOf(value) ?? {}).some(holdsPlaceholder);
}

function subjectPlace(check: FilterCheck, uid: string, name: string, subject: Subject, at: string): SubjectPlace[] {
  const type = check.schemas.attribute(uid, name)?.type ?? '';
  const owner = Object.values(IDENTITY).find((identity) => identity.uid === uid);
  const isIdentity = IDENTITY[subject].uid === uid && IDENTITY[subject].attribute === name;
  const isNumeric = NUMBERS.has(type);
  // Elsewhere a site may keep the id as a plain value; on the two types themselves nothing else is one.
  if (isIdentity || (!owner && name !== 'id' && (TEXT.has(type) || (isNumeric && subject === 'user')))) {
    return [{ attribute: name, subject, isNumeric }];
  }
  check.problems.push(`${at}: $${subject} may not stand here.`);
  return [];
}

/** The relation to a user or video that is compared with a placeholder as a whole. */
function subjectPart(check: FilterCheck, target: string, subject: Subject, at: string): Pattern {
  const { uid, attribute } = IDENTITY[subject];
  if (uid !== target) check.problems.push(`${at}: $${subject} may not stand here, this leads to ${target}.`);
  return { uid: target, filters: [], subjects: [{ attribute, subject, isNumeric: subject === 'user' }], parts: [] };
}

function compilePart(check: FilterCheck, uid: string, [name, value]: [string, unknown], at: string): PatternPart[] {
  const attribute = check.schemas.attribute(uid, name);
  const target = attribute && targetOf(check, attribute, at);
  if (!attribute || !target) return [];
  const subject = subjectIn(value);
  const pattern = subject ? subjectPart(check, target, subject, at) : compilePattern(check, target, value, at);
  if (!isSubject(pattern)) check.uids.add(target);
  return [{ attribute: name, pattern }];
}

/**
 * Finds the placeholders of a filter. What is wrong goes into `check.problems`; then the pattern is not to be used.
 * Of the video itself status and language have been decided before.
 */
export function compilePattern(check: FilterCheck, uid: string, filters: unknown, at: string): Pattern {
  const record: Filters = recordOf(filters) ?? {};
  if (Object.keys(record).length === 0) check.problems.push(`${at}: expected a filter.`);
  const drafts = uid === VIDEO_UID ? [] : publishedOnly(check, uid);
  const pattern: Pattern = { uid, filters: drafts, subjects: [], parts: [] };
  for (const entry of Object.entries(record)) {
    const [name, value] = entry;
    const place = `${at}.${name}`;
    const type = check.schemas.attribute(uid, name)?.type;
    const subject = subjectIn(value);
    if (!holdsPlaceholder(value) || type === undefined) pattern.filters.push(plainFilter(check, uid, entry, place));
    else if (type === 'relation') pattern.parts.push(...compilePart(check, uid, entry, place));
    else if (subject) pattern.subjects.push(...subjectPlace(check, uid, name, subject, place));
    else pattern.filters.push(plainFilter(check, uid, entry, place));
  }
  return pattern;
}
