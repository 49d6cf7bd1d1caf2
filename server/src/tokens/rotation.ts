/**
 * How long a new key is only made known before it signs: longer than the slowest streamer's heartbeat and the time for
 * which a node remembers the rotations, so that whoever meets a token of the new key knows that key.
 */
export const ANNOUNCE_MS = 20_000;

/** What is kept of a rotation. Whoever reads it can derive nothing: the key takes the site's secret as well. */
export interface Rotation {
  /** Rises by one with each rotation, from 1. */
  number: number;
  /** 32 random bytes, base64url. */
  salt: string;
  /** Since it was asked for, by the database's clock. */
  ageMs: number;
  /** How long tokens of older keys are good after the new key began to sign. */
  overlapMs: number;
}

/** A key that tokens may be signed with, or may have been. */
export interface KeyTerm {
  /** Null: the key before the first rotation. */
  rotation: Rotation | null;
  /** 0 or less: it may sign. */
  signsInMs: number;
}

/** Terms of the keys whose tokens are good now, the oldest first; there is always one that may sign. */
export function keyTerms(rotations: readonly Rotation[]): KeyTerm[] {
  const sorted = rotations.toSorted((a, b) => a.number - b.number);
  const all: KeyTerm[] = [
    { rotation: null, signsInMs: Number.NEGATIVE_INFINITY },
    ...sorted.map((rotation) => ({ rotation, signsInMs: ANNOUNCE_MS - rotation.ageMs })),
  ];
  const terms: KeyTerm[] = [];
  // The shortest overlap of all later rotations counts: a second one can only bring the end forward.
  let endsInMs = Number.POSITIVE_INFINITY;
  for (const term of all.toReversed()) {
    if (endsInMs > 0) terms.unshift(term);
    endsInMs = Math.min(endsInMs, term.signsInMs + (term.rotation?.overlapMs ?? 0));
  }
  return terms;
}

/** The newest that may sign. */
export function signingTerm(terms: readonly KeyTerm[]): KeyTerm {
  const found = terms.findLast(({ signsInMs }) => signsInMs <= 0);
  if (!found) throw new Error('No key may sign.');
  return found;
}
