import type { OpenedSource, Storage } from '../http/storage-path';

/** How long a source counts as the one its storage key names. What is deleted or replaced is noticed no later. */
const FRESH_MS = 1000;
const MAX_OPEN = 64;

interface Entry {
  opening: Promise<OpenedSource>;
  users: number;
  stale: boolean;
}

/**
 * Sources that are open anyway: a player that asks for one range after another, or a crowd, opens a film once a second. Files are
 * shared, so they are read at given positions only, and closed when their last user is done.
 */
export class OpenSources {
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly storage: Pick<Storage, 'open'>) {}

  /** Throws what `Storage.open` throws, and what `task` does. */
  async use<T>(storageKey: string, task: (opened: OpenedSource) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(storageKey) ?? this.#open(storageKey);
    entry.users += 1;
    try {
      return await task(await entry.opening);
    } finally {
      entry.users -= 1;
      this.#closeUnused(entry);
    }
  }

  #open(storageKey: string): Entry {
    const entry: Entry = { opening: this.storage.open(storageKey), users: 0, stale: this.#entries.size >= MAX_OPEN };
    if (entry.stale) return entry;
    this.#entries.set(storageKey, entry);
    const timer = setTimeout(() => this.#forget(storageKey, entry), FRESH_MS);
    timer.unref();
    // What could not be opened is tried again by the next who asks.
    entry.opening.catch(() => {
      clearTimeout(timer);
      this.#forget(storageKey, entry);
    });
    return entry;
  }

  #forget(storageKey: string, entry: Entry): void {
    entry.stale = true;
    this.#entries.delete(storageKey);
    this.#closeUnused(entry);
  }

  #closeUnused({ stale, users, opening }: Entry): void {
    if (!stale || users > 0) return;
    opening.then(({ file }) => file.close()).catch(() => undefined);
  }
}
