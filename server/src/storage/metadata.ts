import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { assetIdSchema, storageKeySchema } from '../../contracts';
import { METADATA_SUFFIX } from './segment-name';
import { FILE_MODE, pathOfKey, type StorageRoot } from './storage-root';

/** What lies beside each film, so that the database can be rebuilt from the disk alone. */
export const filmMetadataSchema = z.object({
  version: z.literal(1),
  assetId: assetIdSchema,
  fileName: z.string(),
  /** Where the film lies when it is not in the trash. */
  storageKey: storageKeySchema,
  folders: z.array(z.string()),
  mime: z.string(),
  sizeBytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  durationSeconds: z.number().nonnegative(),
  storedAt: z.iso.datetime(),
});

export type FilmMetadata = z.infer<typeof filmMetadataSchema>;

/** The key of the metadata file that belongs to a film's key. */
export function metadataKeyOf(filmKey: string): string {
  return filmKey + METADATA_SUFFIX;
}

/** Writes the metadata file of a film; an older one is replaced. */
export async function writeMetadata(root: StorageRoot, filmKey: string, metadata: FilmMetadata): Promise<void> {
  const text = `${JSON.stringify(metadata, null, 2)}\n`;
  await writeFile(pathOfKey(root, metadataKeyOf(filmKey)), text, { mode: FILE_MODE });
}

/** Reads it back. Throws what the file system or zod throws. */
export async function readMetadata(root: StorageRoot, filmKey: string): Promise<FilmMetadata> {
  const text = await readFile(pathOfKey(root, metadataKeyOf(filmKey)), 'utf8');
  return filmMetadataSchema.parse(JSON.parse(text));
}
