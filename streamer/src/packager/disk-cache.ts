import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';

const ENTRY = /^([0-9a-f]{64})\.([0-9a-f]{64})\.m4s$/;
const PART = /\.part$/;
/** Another process may share the directory and still be writing. */
const ABANDONED_AFTER_MS = 10 * 60 * 1000;

interface Entry {
  /** The name carries the digest of the content, so the file itself is the plain segment and can be served as it is. */
  fileName: string;
  bytes: number;
}

export type DiskRead = { state: 'hit'; bytes: Buffer; digest: string } | { state: 'absent' } | { state: 'refused' };

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function scan(directory: string): Promise<{ key: string; entry: Entry; usedAt: number }[]> {
  const found = [];
  for (const fileName of await readdir(directory)) {
    const key = ENTRY.exec(fileName)?.[1];
    // Gone again already: another process shares the directory.
    const file = await stat(join(directory, fileName)).catch(() => null);
    if (!file) continue;
    if (key !== undefined) found.push({ key, entry: { fileName, bytes: file.size }, usedAt: file.mtimeMs });
    else if (PART.test(fileName) && Date.now() - file.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(join(directory, fileName), { force: true });
    }
  }
  return found.sort((a, b) => a.usedAt - b.usedAt);
}

/**
 * Segments as files, bounded by bytes, least recently used out first, kept over restarts. What is read back has the
 * digest it was written with, or is thrown away.
 */
export class DiskCache {
  readonly #entries: LRUCache<string, Entry>;
  readonly #removals = new Set<Promise<void>>();

  private constructor(
    private readonly directory: string,
    maxBytes: number,
  ) {
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (entry) => Math.max(1, entry.bytes),
      dispose: (entry, _key, reason) => this.#discard(entry, reason),
    });
  }

  /** Takes over what an earlier process left, as far as it fits. Rejects when the directory cannot be used. */
  static async open(directory: string, maxBytes: number): Promise<DiskCache> {
    // Segments are as protected as the films they come from.
    await mkdir(directory, { recursive: true, mode: 0o750 });
    const cache = new DiskCache(directory, maxBytes);
    for (const { key, entry } of await scan(directory)) {
      if (entry.bytes > maxBytes) cache.#remove(entry.fileName);
      else cache.#entries.set(key, entry);
    }
    return cache;
  }

  get totalBytes(): number {
    return this.#entries.calculatedSize;
  }

  async read(key: string): Promise<DiskRead> {
    const entry = this.#entries.get(key);
    if (!entry) return { state: 'absent' };
    const path = join(this.directory, entry.fileName);
    const bytes = await readFile(path).catch(() => null);
    const digest = bytes && digestOf(bytes);
    if (bytes === null || digest === null || digest !== ENTRY.exec(entry.fileName)?.[2]) {
      this.#entries.delete(key);
      return { state: 'refused' };
    }
    const now = new Date();
    // The order of use survives a restart as times of modification. Not worth failing a read for.
    await utimes(path, now, now).catch(() => undefined);
    return { state: 'hit', bytes, digest };
  }

  /** `digest` is that of `bytes`. Rejects when the disk refuses; the cache is as before then. */
  async write(key: string, bytes: Uint8Array, digest: string): Promise<void> {
    if (bytes.byteLength > this.#entries.maxSize) return;
    const fileName = `${key}.${digest}.m4s`;
    const part = join(this.directory, `${randomUUID()}.part`);
    try {
      await writeFile(part, bytes, { mode: 0o640, flag: 'wx' });
      // A reader sees the whole segment or none.
      await rename(part, join(this.directory, fileName));
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined);
      throw error;
    }
    this.#entries.set(key, { fileName, bytes: bytes.byteLength });
  }

  /** Resolves when files that fell out are gone. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#removals);
  }

  #discard(entry: Entry, reason: LRUCache.DisposeReason): void {
    // Overwritten by the same content: the name is that of the new entry.
    if (reason !== 'set') this.#remove(entry.fileName);
  }

  #remove(fileName: string): void {
    const removal: Promise<void> = rm(join(this.directory, fileName), { force: true })
      // What cannot be removed now is found again by the next scan.
      .catch(() => undefined)
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }
}
