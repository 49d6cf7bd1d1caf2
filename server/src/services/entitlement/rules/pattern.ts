/** Whom and what a decision is about; `$user` and `$video` in a filter. */
export type Subject = 'user' | 'video';

/** As Strapi's filters: attribute or operator → value. */
export type Filters = Record<string, unknown>;

/** A placeholder: the attribute has to be the subject's id (`user`) or `documentId` (`video`). */
export interface SubjectPlace {
  attribute: string;
  subject: Subject;
  isNumeric: boolean;
}

/**
 * A filter in which the placeholders are found: a row of `uid` that meets `filters`, is what `subjects` say, and has
 * through each attribute of `parts` a row that meets that pattern. All of it has to hold, so the rows on the way to the
 * placeholders say who and what matched.
 */
export interface Pattern {
  uid: string;
  /** Without placeholders; each has to hold. */
  filters: Filters[];
  subjects: SubjectPlace[];
  parts: PatternPart[];
}

export interface PatternPart {
  attribute: string;
  pattern: Pattern;
}

export function mentions(pattern: Pattern, subject: Subject): boolean {
  return (
    pattern.subjects.some((place) => place.subject === subject) ||
    pattern.parts.some((part) => mentions(part.pattern, subject))
  );
}
