import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** SHA-256 of the first `bytes` bytes of a part that is still growing. */
export interface RunningHash {
  /** Tells two parts of one name apart: a client may start an upload anew. */
  readonly startedAt: string;
  readonly hash: Hash;
  bytes: number;
}

async function hashFromDisk(path: string, bytes: number): Promise<Hash> {
  const hash = createHash('sha256');
  if (bytes === 0) return hash;
  for await (const piece of createReadStream(path, { end: bytes - 1 })) hash.update(piece as Buffer);
  return hash;
}

/**
 * Hashes parts while they arrive, so that nothing is read again at the end. What this process did not see itself
 * (another node, a restart) is read from the disk once.
 */
export class RunningHashes {
  readonly #running = new Map<string, RunningHash>();

  async upTo(part: { id: string; path: string; startedAt: string }, bytes: number): Promise<RunningHash> {
    const known = this.#running.get(part.id);
    if (known && known.bytes === bytes && known.startedAt === part.startedAt) return known;
    const fresh = { startedAt: part.startedAt, hash: await hashFromDisk(part.path, bytes), bytes };
    this.#running.set(part.id, fresh);
    return fresh;
  }

  forget(id: string): void {
    this.#running.delete(id);
  }
}
