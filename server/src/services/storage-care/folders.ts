import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { readMetadata } from '../../storage/metadata';
import { keyOfFilm, type StoredFilm } from '../../storage/moving/ledger';
import { getService } from '../get-service';
import { FILE_UID, protectedMark } from '../protected-mark';

const fileSchema = z.object({ folderPath: z.string().nullish() });

/** Names of the Media Library folders that a film lies in now; where it has no file there, those it was stored in. */
export async function foldersOf(strapi: Core.Strapi, film: StoredFilm): Promise<readonly string[]> {
  const { url } = protectedMark(film.assetId);
  const found: unknown = await strapi.db.query(FILE_UID).findOne({ where: { url }, orderBy: { id: 'asc' } });
  const file = fileSchema.nullable().parse(found);
  if (file) return getService(strapi, 'media-folder').namesOf(file.folderPath ?? '/');
  const known = await readMetadata(getService(strapi, 'storage').root, keyOfFilm(film));
  return typeof known === 'string' ? [] : known.folders;
}
