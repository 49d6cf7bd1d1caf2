/** Each hash takes 32 MB and one of the four threads that the whole process has for such work. */
const MAX_RUNNING = 2;
const MAX_WAITING = 16;

export interface HashingQueue {
  /** Null: too many wait already, and nothing was begun. */
  run<T>(hash: () => Promise<T>): Promise<T> | null;
}

/** Caps what guessing passwords can cost the site, however many guess at one time (S26). */
export function createHashingQueue(): HashingQueue {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function inTurn<T>(hash: () => Promise<T>): Promise<T> {
    // Who ends hands the turn on, so that it is never free between the two.
    if (running === MAX_RUNNING) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await hash();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  }

  return { run: (hash) => (waiting.length >= MAX_WAITING ? null : inTurn(hash)) };
}
