import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { assetIdSchema } from '../../contracts';
import { ASSET_UID } from '../content-types/uids';
import type { OutsideFile } from '../storage/outside/outside-file';
import { hashOutside } from '../storage/outside/take-in';

const rowSchema = z.object({ documentId: assetIdSchema });

/**
 * Asset ids of the ready films that have the bytes of an open file, the oldest first. It is hashed only where a film of its size
 * is there. Throws `file-changed`.
 */
export async function findSameBytes(strapi: Core.Strapi, file: OutsideFile): Promise<string[]> {
  const rows = strapi.db.query(ASSET_UID);
  // What was replaced is about to go.
  const where = { sizeBytes: String(file.stats.size), state: 'ready' };
  if ((await rows.count({ where })) === 0) return [];
  const sha256 = await hashOutside(file);
  const found: unknown[] = await rows.findMany({ where: { ...where, sha256 }, orderBy: { id: 'asc' } });
  return found.map((row) => rowSchema.parse(row).documentId);
}
