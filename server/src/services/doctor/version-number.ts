/** `7.1.2` → `[7, 1, 2]`; null: the text does not begin with a version. */
export function parseVersion(text: string): number[] | null {
  const digits = /^[nv]?(\d+(?:\.\d+)*)/.exec(text)?.[1];
  return digits === undefined ? null : digits.split('.').map(Number);
}

/** Whether the first is the earlier one; `8.1` is `8.1.0`. */
export function isBefore(one: readonly number[], other: readonly number[]): boolean {
  for (let at = 0; at < Math.max(one.length, other.length); at += 1) {
    const [left, right] = [one[at] ?? 0, other[at] ?? 0];
    if (left !== right) return left < right;
  }
  return false;
}
