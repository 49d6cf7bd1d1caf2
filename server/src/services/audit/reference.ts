import { createHash, randomBytes } from 'node:crypto';

/** Crockford's base 32: nothing that is mistaken for another when it is read out. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 12;

function spell(bytes: Buffer): string {
  return [...bytes.subarray(0, LENGTH)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** 60 random bits: nobody meets another's by guessing, and two rows do not share one. */
export function newReference(): string {
  return spell(randomBytes(LENGTH));
}

/** The same for the same text. */
export function derivedReference(text: string): string {
  return spell(createHash('sha256').update(text).digest());
}
