import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import {
  assetIdSchema,
  derivedFileSchema,
  derivedNameSchema,
  judgementSchema,
  storageKeySchema,
} from '../../contracts';
import { METADATA_SUFFIX } from './segment-name';
import { hasErrno } from './storage-error';
import { FILE_MODE, openKey, pathOfKey, type StorageRoot } from './storage-root';

const MAX_BYTES = 256 * 1024;

const pixels = z.number().int().nonnegative().exactOptional();
/** As `inspectFilm` found them. */
export const tracksSchema = z.array(
  z.object({
    kind: z.enum(['video', 'audio']),
    codec: z.string(),
    language: z.string(),
    width: pixels,
    height: pixels,
  }),
);

const metadataSchema = z.object({
  version: z.literal(1),
  assetId: assetIdSchema,
  fileName: z.string().min(1).max(255),
  /** Where the film lies when it is not in the trash. */
  storageKey: storageKeySchema,
  /** Names of the Media Library folders from the top. */
  folders: z.array(z.string()).readonly(),
  mime: z.string().max(127),
  sizeBytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  durationSeconds: z.number().nonnegative(),
  tracks: tracksSchema.optional(),
  /** What was made of it; it lies in the directory `<film>.vod` beside it. */
  derived: z.array(derivedFileSchema).optional(),
  /** Names of embedded text tracks that an editor took away. */
  removedTexts: z.array(derivedNameSchema).optional(),
  /** Without it the film is judged again before it is played. */
  judgement: judgementSchema.optional(),
  storedAt: z.iso.datetime(),
});

/** What lies beside each film, so that the database can be rebuilt from the disk alone. */
export type FilmMetadata = z.infer<typeof metadataSchema>;

/** The key of the metadata file that belongs to a film's key. */
export function metadataKeyOf(filmKey: string): string {
  return filmKey + METADATA_SUFFIX;
}

/** The film's key that a metadata file belongs to; null: the name is not one of a metadata file. */
export function filmKeyOf(metadataKey: string): string | null {
  return metadataKey.endsWith(METADATA_SUFFIX) ? metadataKey.slice(0, -METADATA_SUFFIX.length) : null;
}

/** Writes the metadata file of a film; an older one is replaced, as a whole or not at all. */
export async function writeMetadata(root: StorageRoot, filmKey: string, metadata: FilmMetadata): Promise<void> {
  const text = `${JSON.stringify(metadata, null, 2)}\n`;
  const part = path.join(root.path, 'incoming', `${randomBytes(16).toString('hex')}.part`);
  try {
    await writeFile(part, text, { mode: FILE_MODE, flag: 'wx' });
    await rename(part, pathOfKey(root, metadataKeyOf(filmKey)));
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function readText(root: StorageRoot, key: string): Promise<string | null> {
  const handle = await openKey(root, key);
  try {
    return (await handle.stat()).size > MAX_BYTES ? null : await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** What lies beside a film: `missing`, `damaged` (not to be read as metadata), or what it says, compared with nothing. */
export async function readMetadata(root: StorageRoot, filmKey: string): Promise<FilmMetadata | 'missing' | 'damaged'> {
  try {
    const text = await readText(root, metadataKeyOf(filmKey));
    return metadataSchema.safeParse(JSON.parse(text ?? '')).data ?? 'damaged';
  } catch (error) {
    if (hasErrno(error, 'storage-missing')) return 'missing';
    if (error instanceof SyntaxError || hasErrno(error, 'storage-outside-root')) return 'damaged';
    throw error;
  }
}
