import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Reads by key, each key once, and all keys that are asked for in one turn of the event loop at one time: a thousand
 * questions that are asked together cost as much as one. `read` leaves out what it does not find.
 */
export function batched<Key extends string, Found>(
  read: (keys: Key[]) => Promise<ReadonlyMap<Key, Found>>,
): (key: Key) => Promise<Found | null> {
  const known = new Map<Key, Promise<Found | null>>();
  let waiting: { keys: Key[]; found: Promise<ReadonlyMap<Key, Found>> } | null = null;

  const collect = () => {
    const keys: Key[] = [];
    const found = nextTurn().then(() => {
      waiting = null;
      return read(keys);
    });
    return { keys, found };
  };

  return (key) => {
    const running = known.get(key);
    if (running) return running;
    waiting ??= collect();
    waiting.keys.push(key);
    const answer = waiting.found.then((found) => found.get(key) ?? null);
    known.set(key, answer);
    return answer;
  };
}

/** The one answer of a read without a key, however often it is asked for. */
export function once<Found>(read: () => Promise<Found>): () => Promise<Found> {
  let running: Promise<Found> | null = null;
  return () => {
    running ??= read();
    return running;
  };
}
