import type { Core } from '@strapi/strapi';
import { VodError } from '../errors';
import { getService } from './get-service';

/** Another one was faster, or the bytes are lost: nothing is left that could go. */
const GONE: ReadonlySet<string> = new Set(['asset-missing', 'storage-missing']);

/**
 * Moves a film to the trash that no Media Library row stands for, one of them left aside: it could neither be watched nor be
 * deleted. Bytes that are gone already are fine.
 */
export async function trashIfUnused(strapi: Core.Strapi, assetId: string, exceptFileId?: number): Promise<void> {
  const assets = getService(strapi, 'asset');
  if ((await assets.stateOf(assetId)) !== 'ready' || (await assets.countFiles(assetId, exceptFileId)) > 0) return;
  try {
    await assets.trash(assetId, 'file-deleted');
  } catch (error) {
    if (!(error instanceof VodError) || !GONE.has(error.code)) throw error;
    strapi.log.warn(`protected-vod: asset ${assetId} was not moved to the trash (${error.code})`);
  }
}
