import { describe, expect, it } from 'vitest';
import { ANNOUNCE_MS, keyTerms, type Rotation, signingTerm } from '../../../../server/src/tokens/rotation';

const MINUTE = 60_000;
const rotation = (number: number, ageMs: number, overlapMs = 10 * MINUTE): Rotation => ({
  number,
  salt: `salt-${number}`,
  ageMs,
  overlapMs,
});
/** Numbers of the keys whose tokens are good, and of the one that signs; 0: the first key. */
const standing = (...rotations: Rotation[]) => {
  const terms = keyTerms(rotations);
  return { good: terms.map((term) => term.rotation?.number ?? 0), signs: signingTerm(terms).rotation?.number ?? 0 };
};

describe('the keys of playback tokens', () => {
  it('before any rotation there is one', () => {
    expect(standing()).toEqual({ good: [0], signs: 0 });
  });

  it('a new key is made known before it signs', () => {
    expect(standing(rotation(1, 0))).toEqual({ good: [0, 1], signs: 0 });
    expect(standing(rotation(1, ANNOUNCE_MS - 1))).toEqual({ good: [0, 1], signs: 0 });
    expect(standing(rotation(1, ANNOUNCE_MS))).toEqual({ good: [0, 1], signs: 1 });
  });

  it('tokens of the old key are good for the overlap after the new one began to sign, and no longer', () => {
    expect(standing(rotation(1, ANNOUNCE_MS + 10 * MINUTE - 1))).toEqual({ good: [0, 1], signs: 1 });
    expect(standing(rotation(1, ANNOUNCE_MS + 10 * MINUTE))).toEqual({ good: [1], signs: 1 });
  });

  it('no key that has ended comes back with a later rotation', () => {
    const first = rotation(1, ANNOUNCE_MS + 11 * MINUTE);
    expect(standing(first, rotation(2, ANNOUNCE_MS))).toEqual({ good: [1, 2], signs: 2 });
    expect(standing(first, rotation(2, 0))).toEqual({ good: [1, 2], signs: 1 });
  });

  it('a second rotation with a short overlap brings the end of all older keys forward', () => {
    const first = rotation(1, ANNOUNCE_MS + 2 * MINUTE);
    expect(standing(first, rotation(2, ANNOUNCE_MS + MINUTE, MINUTE))).toEqual({ good: [2], signs: 2 });
    expect(standing(first, rotation(2, ANNOUNCE_MS + MINUTE - 1, MINUTE))).toEqual({ good: [0, 1, 2], signs: 2 });
  });

  it('two rotations at once leave every key that has signed good, whatever order they are read in', () => {
    const [one, two] = [rotation(1, 5), rotation(2, 0)];
    expect(standing(two, one)).toEqual(standing(one, two));
    expect(standing(two, one)).toEqual({ good: [0, 1, 2], signs: 0 });
  });

  it('a clock of the database that was set back ends no key that signs', () => {
    expect(standing(rotation(1, -MINUTE))).toEqual({ good: [0, 1], signs: 0 });
  });
});
