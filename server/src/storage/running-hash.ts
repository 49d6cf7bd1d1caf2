import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { LRUCache } from 'lru-cache';

/** Of as many uploads the hash is kept; of one more, it is read from the disk when it goes on. */
const MAX_RUNNING = 1000;
const PIECE_BYTES = 1024 * 1024;

/** SHA-256 of the first `bytes` bytes of a part that is still growing. */
export interface RunningHash {
  /** Tells two parts of one name apart: a client may begin an upload anew. */
  readonly attempt: string;
  readonly hash: Hash;
  bytes: number;
}

export interface GrowingPart {
  id: string;
  path: string;
  attempt: string;
}

async function hashOn({ path, attempt }: GrowingPart, from: RunningHash | null, bytes: number): Promise<RunningHash> {
  const hash = from?.hash.copy() ?? createHash('sha256');
  const start = from?.bytes ?? 0;
  if (start < bytes) {
    const pieces = createReadStream(path, { start, end: bytes - 1, highWaterMark: PIECE_BYTES });
    for await (const piece of pieces) hash.update(piece as Buffer);
  }
  return { attempt, hash, bytes };
}

/**
 * Hashes parts while they arrive, so that nothing is read again at the end. What this process did not see itself
 * (another node, a restart) is read from the disk once.
 */
export class RunningHashes {
  readonly #running = new LRUCache<string, RunningHash>({ max: MAX_RUNNING });
  readonly #reading = new Map<string, Promise<RunningHash>>();

  /** Whether the hash of a part is at hand, up to some byte. */
  has({ id, attempt }: GrowingPart): boolean {
    return this.#running.get(id)?.attempt === attempt;
  }

  /** Who asks for what is being read already waits for that: a client that lost patience finds it further on. */
  async upTo(part: GrowingPart, bytes: number): Promise<RunningHash> {
    const found = this.#running.get(part.id);
    const known = found?.attempt === part.attempt && found.bytes <= bytes ? found : null;
    if (known?.bytes === bytes) return known;
    const task = `${part.id} ${part.attempt} ${bytes}`;
    const reading = this.#reading.get(task) ?? this.#read(task, part, known, bytes);
    return reading;
  }

  #read(task: string, part: GrowingPart, known: RunningHash | null, bytes: number): Promise<RunningHash> {
    const reading = hashOn(part, known, bytes)
      .then((running) => {
        this.#running.set(part.id, running);
        return running;
      })
      .finally(() => this.#reading.delete(task));
    this.#reading.set(task, reading);
    return reading;
  }

  /** Goes back to an earlier state: what came since does not count. */
  rewind(id: string, to: RunningHash): void {
    this.#running.set(id, to);
  }

  forget(id: string): void {
    this.#running.delete(id);
  }
}
