/** Attempts of one event; the last one is some 18 minutes after the first. */
export const MAX_ATTEMPTS = 12;
const FIRST_MS = 1_000;
const LONGEST_MS = 300_000;

/** Before the attempt that follows so many. Up to half of it by chance, so that nodes do not come back all at once. */
export function backOffMs(attempts: number, random: () => number = Math.random): number {
  const fullMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempts - 1));
  return fullMs * (0.5 + random() / 2);
}
