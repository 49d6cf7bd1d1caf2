import type { Core } from '@strapi/strapi';
import { LRUCache } from 'lru-cache';
import { v7 as uuidV7 } from 'uuid';
import { z } from 'zod';
import { documentIdSchema, type VodEvent } from '../../../contracts';
import { VIDEO_UID } from '../../content-types/uids';
import { afterCommit } from '../after-commit';
import type { Asset } from '../asset';
import { isSourcePlayed } from '../asset-judgement';
import { FILE_UID, markedAsset, protectedMark } from '../protected-mark';

const MAX_WAITING = 1000;
const MAX_NAMED = 100;

const fileSchema = z.object({ id: z.number().int() });
const videoSchema = z.object({ documentId: documentIdSchema });

type Film = Pick<Asset, 'documentId' | 'durationSeconds' | 'verdict'>;

/**
 * Tells of films that can be played from now on. A film that was stored is told once its row stands in the Media Library:
 * only then can an entry have it, and only then do those have it whose source was replaced. A film that has to be
 * transcoded first is told of when the first rendition of it is there.
 */
export function createReadyFilms(strapi: Core.Strapi, publish: (event: VodEvent) => void) {
  const waiting = new LRUCache<string, Film>({ max: MAX_WAITING });

  async function announce({ documentId: asset, durationSeconds }: Film): Promise<void> {
    const { url } = protectedMark(asset);
    const files: unknown[] = await strapi.db
      .query(FILE_UID)
      .findMany({ where: { url }, select: ['id'], orderBy: { id: 'asc' }, limit: MAX_NAMED });
    const rows: unknown[] = await strapi.db
      .query(VIDEO_UID)
      .findMany({ where: { source: { url } }, select: ['documentId'], orderBy: { id: 'asc' }, limit: MAX_NAMED });
    const data = {
      asset,
      durationSeconds,
      files: files.map((row) => fileSchema.parse(row).id),
      // Draft and published row of one entry, and its languages.
      videos: [...new Set(rows.map((row) => videoSchema.parse(row).documentId))],
    };
    publish({ id: uuidV7(), type: 'video.ready', timestamp: new Date().toISOString(), data });
  }

  /** An event less is no reason to fail an upload. */
  async function tryToAnnounce(film: Film): Promise<void> {
    await announce(film).catch((error: unknown) => strapi.log.error(error));
  }

  async function rowWritten({ result }: { result?: unknown }): Promise<void> {
    const assetId = markedAsset(result);
    const film = assetId === null ? undefined : waiting.get(assetId);
    if (!film) return;
    waiting.delete(film.documentId);
    await afterCommit(strapi, () => announce(film));
  }

  return {
    stored: (film: Film) => void (isSourcePlayed(film) && waiting.set(film.documentId, film)),
    undone: (assetId: string) => void waiting.delete(assetId),
    /** Its rows were there all the time. */
    restored: async (film: Film) => (isSourcePlayed(film) ? tryToAnnounce(film) : undefined),
    converted: tryToAnnounce,
    subscribe: () => {
      strapi.db.lifecycles.subscribe({ models: [FILE_UID], afterCreate: rowWritten, afterUpdate: rowWritten });
    },
  };
}
