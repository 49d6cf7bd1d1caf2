import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { adminAbility, adminStanding, CHANGE_FILES, FILE_CREATOR, holdsForFile } from '../admin-rights';
import { FILE_UID, markedAsset } from '../protected-mark';

/** Strapi's own right to add files to the Media Library. */
export const UPLOAD_ACTION = 'plugin::upload.assets.create';

/** Whether this admin still exists, is active and may add files, read afresh (S23). */
export async function mayUpload(strapi: Core.Strapi, adminId: number): Promise<boolean> {
  return (await adminStanding(strapi, String(adminId), UPLOAD_ACTION)) === 'holds-right';
}

const filmFileSchema = z.looseObject({ id: z.number(), url: z.string(), folderPath: z.string() });

/** A Media Library row that stands for a protected film. */
export type FilmFile = z.infer<typeof filmFileSchema>;

/** Null: there is no such file, or no protected film behind it, so that nothing of this could be replaced. */
export async function findFilmFile(strapi: Core.Strapi, fileId: number): Promise<FilmFile | null> {
  const row: unknown = await strapi.db.query(FILE_UID).findOne({ where: { id: fileId }, populate: FILE_CREATOR });
  return markedAsset(row) === null ? null : filmFileSchema.parse(row);
}

/** Whether this admin may replace what lies behind the file, as “Replace media” asks it, read afresh (S23). */
export async function mayReplace(strapi: Core.Strapi, adminId: number, file: FilmFile): Promise<boolean> {
  const ability = await adminAbility(strapi, String(adminId));
  return typeof ability !== 'string' && holdsForFile(strapi, { ability, action: CHANGE_FILES }, [file]);
}
