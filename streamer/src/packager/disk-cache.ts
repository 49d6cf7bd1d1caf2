import { randomUUID } from 'node:crypto';
import { constants, mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { hasContentDigest } from './content-digest';

const ENTRY = /^([0-9a-f]{32})\.([0-9a-f]{32})\.m4s$/;
/** What an earlier version called them; nothing leads to them any more. */
const FORMER = /^[0-9a-f]{64}\.[0-9a-f]{64}\.m4s$/;
const PART = /\.part$/;
/** Another process may share the directory and still be writing. */
const ABANDONED_AFTER_MS = 10 * 60 * 1000;
/** How coarse the order of use may be that survives a restart. */
const TOUCH_EVERY_MS = 60 * 1000;

interface Entry {
  /** The name carries the digest of the content, so the file itself is the plain segment and can be served as it is. */
  fileName: string;
  bytes: number;
  digest: string;
  /** Whether this process wrote the content or has seen that it has its digest. */
  verified: boolean;
  touchedAtMs: number;
}

/** One complete file of the cache. */
export interface DiskFile {
  fileName: string;
  path: string;
  bytes: number;
  digest: string;
}

/** `refused`: it was not what had been written, and is thrown away. */
type Miss = { state: 'absent' } | { state: 'refused' };
export type DiskRead = { state: 'hit'; bytes: Buffer; digest: string } | Miss;
export type DiskLookup = { state: 'hit'; file: DiskFile } | Miss;

async function scan(directory: string): Promise<{ key: string; entry: Entry }[]> {
  const found = [];
  for (const fileName of await readdir(directory)) {
    const [, key, digest] = ENTRY.exec(fileName) ?? [];
    // Gone again already: another process shares the directory.
    const file = await stat(join(directory, fileName)).catch(() => null);
    if (!file) continue;
    if (key !== undefined && digest !== undefined) {
      found.push({
        key,
        entry: { fileName, bytes: file.size, digest, verified: false, touchedAtMs: file.mtimeMs },
      });
    } else if (FORMER.test(fileName) || (PART.test(fileName) && Date.now() - file.mtimeMs > ABANDONED_AFTER_MS)) {
      await rm(join(directory, fileName), { force: true });
    }
  }
  return found.sort((a, b) => a.entry.touchedAtMs - b.entry.touchedAtMs);
}

/** One read into one buffer. Null: not there, or not of that size. */
async function readWhole(path: string, size: number): Promise<Buffer | null> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if ((await handle.stat()).size !== size) return null;
    const buffer = Buffer.allocUnsafeSlow(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(buffer, filled, size - filled, filled);
      if (bytesRead === 0) return null;
      filled += bytesRead;
    }
    return buffer;
  } finally {
    await handle.close();
  }
}

/** Null: not there. */
async function sizeOf(path: string): Promise<number | null> {
  const file = await stat(path).catch(() => null);
  return file === null ? null : file.size;
}

/**
 * Segments as files, bounded by bytes, least recently used out first, kept over restarts. What an earlier process left
 * must have the digest it was written with when it is first read, and its size always, or it is thrown away.
 */
export class DiskCache {
  readonly #entries: LRUCache<string, Entry>;
  readonly #removals = new Map<string, Promise<void>>();

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

  async read(key: string): Promise<DiskRead> {
    const entry = this.#entries.get(key);
    if (!entry) return { state: 'absent' };
    const bytes = await readWhole(this.#pathOf(entry), entry.bytes).catch(() => null);
    if (bytes === null || !(entry.verified || (await hasContentDigest(bytes, entry.digest)))) {
      this.#entries.delete(key);
      return { state: 'refused' };
    }
    entry.verified = true;
    await this.#touch(entry);
    return { state: 'hit', bytes, digest: entry.digest };
  }

  /** The complete file of a segment. */
  async file(key: string): Promise<DiskLookup> {
    const entry = this.#entries.get(key);
    if (!entry) return { state: 'absent' };
    const path = this.#pathOf(entry);
    if (!entry.verified) {
      const { state } = await this.read(key);
      if (state !== 'hit') return { state };
    } else if ((await sizeOf(path)) !== entry.bytes) {
      this.#entries.delete(key);
      return { state: 'refused' };
    }
    await this.#touch(entry);
    const { fileName, bytes, digest } = entry;
    return { state: 'hit', file: { fileName, path, bytes, digest } };
  }

  /** `digest` is that of `bytes`. Rejects when the disk refuses; the cache is as before then. */
  async write(key: string, bytes: Uint8Array, digest: string): Promise<void> {
    if (bytes.byteLength > this.#entries.maxSize) return;
    const fileName = `${key}.${digest}.m4s`;
    const part = join(this.directory, `${randomUUID()}.part`);
    try {
      await writeFile(part, bytes, { mode: 0o640, flag: 'wx' });
      // Thrown away a moment ago, the file has the name that it gets now.
      await this.#removals.get(fileName);
      // A reader sees the whole segment or none.
      await rename(part, join(this.directory, fileName));
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined);
      throw error;
    }
    this.#entries.set(key, {
      fileName,
      bytes: bytes.byteLength,
      digest,
      verified: true,
      touchedAtMs: Date.now(),
    });
  }

  /** Resolves when files that fell out are gone. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#removals.values());
  }

  #pathOf({ fileName }: Entry): string {
    return join(this.directory, fileName);
  }

  async #touch(entry: Entry): Promise<void> {
    const now = Date.now();
    if (now - entry.touchedAtMs < TOUCH_EVERY_MS) return;
    entry.touchedAtMs = now;
    // The order of use survives a restart as times of modification. Not worth failing a read for.
    await utimes(this.#pathOf(entry), now / 1000, now / 1000).catch(() => undefined);
  }

  #discard(entry: Entry, reason: LRUCache.DisposeReason): void {
    // Overwritten by the same content: the name is that of the new entry.
    if (reason !== 'set') this.#remove(entry.fileName);
  }

  #remove(fileName: string): void {
    const removal: Promise<void> = rm(join(this.directory, fileName), { force: true })
      // What cannot be removed now is found again by the next scan.
      .catch(() => undefined)
      .finally(() => this.#removals.delete(fileName));
    this.#removals.set(fileName, removal);
  }
}
