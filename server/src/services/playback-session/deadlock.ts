import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const ATTEMPTS = 5;
const PAUSE_MS = 20;
/** MariaDB and MySQL; PostgreSQL. */
const DEADLOCK_CODES = new Set(['ER_LOCK_DEADLOCK', '40P01']);

function isDeadlock(error: unknown): boolean {
  return DEADLOCK_CODES.has(z.object({ code: z.string() }).safeParse(error).data?.code ?? '');
}

/** Runs a single statement again that the database gave up because another one stood in its way. */
export async function retryingDeadlocks<T>(statement: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await statement();
    } catch (error) {
      if (attempt === ATTEMPTS || !isDeadlock(error)) throw error;
      // At random, so that the same two do not meet again.
      await delay(Math.random() * PAUSE_MS * attempt);
    }
  }
}
