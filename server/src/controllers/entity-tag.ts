import { createHash } from 'node:crypto';

/** Databases keep the keys of JSON in an order of their own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]): [string, unknown] => [key, sorted(member)]);
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Opaque; the same for the same value on every node and database. */
export function entityTagOf(value: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(sorted(value)));
  return `"${digest.digest('base64url').slice(0, 22)}"`;
}

/** RFC 9110 §13.1.1: tags are compared strongly, so a weak one never isMatched; `*` is whatever there is. */
export function isMatched(ifMatch: string, tag: string): boolean {
  const wanted = ifMatch.split(',').map((one) => one.trim());
  return wanted.includes('*') || wanted.includes(tag);
}
