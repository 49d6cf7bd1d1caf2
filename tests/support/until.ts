import { setTimeout as delay } from 'node:timers/promises';

/** For what takes both cores for a while, beside whatever else runs. */
export const WORK_SECONDS = 150;

/** Polls until `probe` gives something true, and returns that. Fails with `what` after `seconds`. */
export async function until<T>(what: string, probe: () => T | Promise<T>, seconds = 30): Promise<NonNullable<T>> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await probe();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await delay(10);
  }
}
