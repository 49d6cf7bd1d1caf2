import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { hasErrno } from '../../storage/storage-error';
import { FILE_UID } from '../protected-mark';
import { rowsInOrder } from '../rows-in-order';

const UPLOADS = 'uploads';

const rowSchema = z.object({
  id: z.number(),
  documentId: z.string(),
  name: z.string(),
  hash: z.string(),
  ext: z
    .string()
    .nullish()
    .transform((ext) => ext ?? ''),
  mime: z.string(),
  size: z.coerce.number(),
  url: z.string(),
  folderPath: z.string(),
  provider: z.string(),
  provider_metadata: z.unknown().optional(),
});

/** A Media Library row, as far as it says where its bytes are. */
export type FileRow = z.infer<typeof rowSchema>;

/** All rows of the Media Library, or those of these `documentId`s. */
export function fileRows(strapi: Core.Strapi, documentIds: readonly string[] | null): AsyncGenerator<FileRow> {
  const where = documentIds === null ? {} : { documentId: { $in: [...documentIds] } };
  return rowsInOrder(strapi, FILE_UID, where, (row) => rowSchema.parse(row));
}

/** The name that Strapi's local provider gives to the bytes of a row; null: none that could be theirs. */
export function publicNameOf({ hash, ext }: Pick<FileRow, 'hash' | 'ext'>): string | null {
  const name = `${hash}${ext}`;
  return name === '' || name.startsWith('.') || /[/\\\0]/.test(name) ? null : name;
}

/** Whether the row says that its bytes lie in the public folder of this site. */
export function isLocal(row: FileRow): boolean {
  const name = publicNameOf(row);
  return name !== null && row.url === `/${UPLOADS}/${name}`;
}

/** `public/uploads`, resolved: a site may keep it elsewhere by a symbolic link, or have none. */
export async function publicUploads(strapi: Core.Strapi): Promise<string> {
  const uploads = path.join(strapi.dirs.static.public, UPLOADS);
  try {
    return await realpath(uploads);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return uploads;
    throw error;
  }
}

/** How many rows say that their bytes lie there in the public folder. */
export function countShowing(strapi: Core.Strapi, name: string): Promise<number> {
  return strapi.db.query(FILE_UID).count({ where: { url: `/${UPLOADS}/${name}` } });
}
