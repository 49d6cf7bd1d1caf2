import { writeFile } from 'node:fs/promises';
import { METADATA_SUFFIX } from './segment-name';
import { FILE_MODE, pathOfKey, type StorageRoot } from './storage-root';

/** What lies beside each film, so that the database can be rebuilt from the disk alone. */
export interface FilmMetadata {
  version: 1;
  assetId: string;
  fileName: string;
  /** Where the film lies when it is not in the trash. */
  storageKey: string;
  folders: string[];
  mime: string;
  sizeBytes: number;
  /** Hexadecimal, in lower case. */
  sha256: string;
  durationSeconds: number;
  /** ISO 8601. */
  storedAt: string;
}

/** The key of the metadata file that belongs to a film's key. */
export function metadataKeyOf(filmKey: string): string {
  return filmKey + METADATA_SUFFIX;
}

/** Writes the metadata file of a film; an older one is replaced. */
export async function writeMetadata(root: StorageRoot, filmKey: string, metadata: FilmMetadata): Promise<void> {
  const text = `${JSON.stringify(metadata, null, 2)}\n`;
  await writeFile(pathOfKey(root, metadataKeyOf(filmKey)), text, { mode: FILE_MODE });
}
