import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { VIDEO_UID } from '../../content-types/uids';
import type { Asset } from '../asset';
import { getService } from '../get-service';
import { FILE_UID, protectedMark } from '../protected-mark';
import type { ImportOptions } from './events';

const MAX_TITLE = 255;
const fileSchema = z.object({ id: z.number() });

/** The file's name without its extension, as a person would read it. */
function titleOf(fileName: string): string {
  const stem = path.posix.basename(fileName, path.posix.extname(fileName)).replace(/\p{Cc}|\p{Cf}/gu, '');
  return stem.trim().slice(0, MAX_TITLE) || 'Untitled';
}

/** As the Content Manager fills it in. */
async function slugOf(strapi: Core.Strapi, title: string): Promise<unknown> {
  const uids = strapi.plugin('content-manager').service('uid');
  return uids.generateUIDField({ contentTypeUID: VIDEO_UID, field: 'slug', data: { title } });
}

/** The Media Library row of a film; made in this folder if it has none. */
export async function ensureFile(strapi: Core.Strapi, asset: Asset, folderId: number | null): Promise<number> {
  const { url } = protectedMark(asset.documentId);
  const found: unknown = await strapi.db.query(FILE_UID).findOne({ where: { url }, orderBy: { id: 'asc' } });
  if (found) return fileSchema.parse(found).id;
  return (await getService(strapi, 'media-file').create({ asset, folderId, adminId: null })).id;
}

/** Makes an entry of a film unless any row of one, in any language, has it. False: there is one. */
export async function ensureEntry(
  strapi: Core.Strapi,
  { fileId, fileName, entries }: { fileId: number; fileName: string; entries: ImportOptions['entries'] },
): Promise<boolean> {
  if (entries === 'none') return false;
  if ((await strapi.db.query(VIDEO_UID).count({ where: { source: { id: fileId } } })) > 0) return false;
  const title = titleOf(fileName);
  const data = { title, slug: await slugOf(strapi, title), source: fileId };
  await strapi.documents(VIDEO_UID as never).create({ data: data as never, status: entries });
  return true;
}
