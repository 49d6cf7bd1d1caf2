import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { segmentName } from './segment-name';
import { hasErrno } from './storage-error';
import { pathOfKey, type StorageRoot } from './storage-root';

interface Known {
  name: string;
  isDirectory: boolean;
}

/** Two names that some file system takes for one: they differ only in case or Unicode form. */
function fold(name: string): string {
  return name.normalize('NFC').toUpperCase().toLowerCase();
}

/** Whether two keys are one on some file system. */
export function isSameName(one: string, other: string): boolean {
  return fold(one) === fold(other);
}

/**
 * What lies in the directories round a place, so that the library can be copied to any file system: no two names in a
 * directory differ only in case or Unicode form. Looks at each directory once; `link` has the last word.
 */
export class Spelling {
  readonly #listings = new Map<string, Promise<Map<string, Known>>>();

  constructor(private readonly root: StorageRoot) {}

  /** The key with its folders spelled as they lie there already; a folder whose name a file has gets another. */
  async ofFolders(key: string): Promise<string> {
    const segments = key.split('/');
    const file = segments.pop() ?? '';
    const spelled: string[] = [];
    for (const segment of segments) spelled.push(await this.#folder(spelled.join('/'), segment));
    return [...spelled, file].join('/');
  }

  /** Whether a name is taken, also in another spelling. */
  async isTaken(key: string): Promise<boolean> {
    const listing = await this.#list(path.posix.dirname(key));
    return listing.has(fold(path.posix.basename(key)));
  }

  async #folder(parent: string, segment: string): Promise<string> {
    // The areas are fixed; nothing of the root is listed.
    if (parent === '') return segment;
    const listing = await this.#list(parent);
    for (let ordinal = 1; ; ordinal += 1) {
      const name = ordinal === 1 ? segment : segmentName(segment, ordinal);
      const known = listing.get(fold(name));
      if (known === undefined) return name;
      if (known.isDirectory) return known.name;
    }
  }

  #list(directory: string): Promise<Map<string, Known>> {
    const known = this.#listings.get(directory) ?? this.#read(directory);
    this.#listings.set(directory, known);
    return known;
  }

  async #read(directory: string): Promise<Map<string, Known>> {
    try {
      const entries = await readdir(pathOfKey(this.root, directory), { withFileTypes: true });
      return new Map(
        entries.map((entry) => [fold(entry.name), { name: entry.name, isDirectory: entry.isDirectory() }]),
      );
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return new Map();
      throw error;
    }
  }
}
