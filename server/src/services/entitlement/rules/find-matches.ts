import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { type Filters, mentions, type Pattern, type Subject } from './pattern';

/** Ids of the subjects, in no pairs: the same rows answer for all. */
export interface Subjects {
  users: readonly string[];
  videos: readonly string[];
}

/** A subject that is not bound is any. */
type Binding = { [One in Subject]?: string };

const rowSchema = z.record(z.string(), z.unknown());

function whereOf(pattern: Pattern, subjects: Subjects): Filters {
  const ids = { user: subjects.users, video: subjects.videos };
  return {
    $and: [
      ...pattern.filters,
      ...pattern.subjects.map(({ attribute, subject, isNumeric }) => ({
        [attribute]: { $in: isNumeric ? ids[subject].map(Number) : [...ids[subject]] },
      })),
      ...pattern.parts.map((part) => ({ [part.attribute]: whereOf(part.pattern, subjects) })),
    ],
  };
}

function selectOf(pattern: Pattern): string[] {
  return ['id', ...pattern.subjects.map(({ attribute }) => attribute)];
}

/** Only what binds: each related row is read under the conditions that it has to meet. */
function populateOf(pattern: Pattern, subjects: Subjects): Record<string, object> {
  return Object.fromEntries(
    pattern.parts.map(({ attribute, pattern: part }) => [
      attribute,
      { select: selectOf(part), where: whereOf(part, subjects), populate: populateOf(part, subjects) },
    ]),
  );
}

function joined(left: readonly Binding[], right: readonly Binding[]): Binding[] {
  const found = new Map<string, Binding>();
  for (const one of left) {
    for (const other of right) {
      const isContrary =
        (one.user !== undefined && other.user !== undefined && one.user !== other.user) ||
        (one.video !== undefined && other.video !== undefined && one.video !== other.video);
      if (isContrary) continue;
      const both = { ...one, ...other };
      found.set(JSON.stringify([both.user, both.video]), both);
    }
  }
  return [...found.values()];
}

/** For whom and what this row meets the pattern. */
function bindingsOf(pattern: Pattern, value: unknown): Binding[] {
  const row = rowSchema.parse(value);
  let bindings: Binding[] = [{}];
  for (const { attribute, subject } of pattern.subjects) {
    const id = row[attribute];
    bindings = id === null || id === undefined ? [] : joined(bindings, [{ [subject]: String(id) }]);
  }
  for (const { attribute, pattern: part } of pattern.parts) {
    const related = row[attribute];
    const rows: unknown[] = Array.isArray(related) ? related : related ? [related] : [];
    bindings = joined(
      bindings,
      rows.flatMap((one) => bindingsOf(part, one)),
    );
  }
  return bindings;
}

/** What a pattern was found true of. */
export type Matches = (user: string | null, video: string) => boolean;

const keyOf = ({ user, video }: Binding) => JSON.stringify([user, video]);

/** Who of the users and which of the videos meet the pattern together, in a few queries however many they are. */
export async function findMatches(strapi: Core.Strapi, pattern: Pattern, subjects: Subjects): Promise<Matches> {
  const needs = { user: mentions(pattern, 'user'), video: mentions(pattern, 'video') };
  if (needs.user && subjects.users.length === 0) return () => false;
  if (needs.video && subjects.videos.length === 0) return () => false;
  const rows: unknown[] = await strapi.db.query(pattern.uid).findMany({
    select: selectOf(pattern),
    where: whereOf(pattern, subjects),
    populate: populateOf(pattern, subjects),
  });
  const found = new Set(rows.flatMap((row) => bindingsOf(pattern, row).map(keyOf)));
  return (user, video) => {
    if (needs.user && user === null) return false;
    return found.has(keyOf({ ...(needs.user && user !== null && { user }), ...(needs.video && { video }) }));
  };
}

/** Ids of the users for whom the rows speak, whoever they are; `pattern` tells nothing else. */
export async function usersOf(strapi: Core.Strapi, pattern: Pattern, where: Filters): Promise<string[]> {
  const rows: unknown[] = await strapi.db.query(pattern.uid).findMany({
    select: selectOf(pattern),
    where,
    populate: pattern.parts.map(({ attribute }) => attribute),
  });
  return rows.flatMap((row) => {
    const { subjects, parts } = pattern;
    const single = subjects.map((place) => bindingsOf({ ...pattern, subjects: [place], parts: [] }, row));
    const related = parts.map((part) => bindingsOf({ ...pattern, subjects: [], parts: [part] }, row));
    return [...single, ...related].flat().flatMap(({ user }) => user ?? []);
  });
}
