import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { assetIdSchema } from '../../../contracts';
import { ASSET_UID } from '../../content-types/uids';
import { getService } from '../get-service';

const ROWS_AT_ONCE = 500;

const rowSchema = z.object({
  documentId: assetIdSchema,
  storageKey: z.string(),
  trashKey: z.string().nullish(),
  reason: z.string().nullish(),
  /** Null: by no protected film. */
  replacedBy: z.string().nullish(),
});

const chainSchema = z.object({ documentId: z.string(), replacedBy: z.string().nullish() });

/** A film that was replaced, or is about to be, as its row says. */
export type ReplacedFilm = z.infer<typeof rowSchema>;

export interface Replacement {
  /** The film that a Media Library file stands for until now, and the one that it will; null: no protected film. */
  old: string;
  by: string | null;
  /** `documentId` of the file. */
  file: string;
}

/**
 * The rows of films that were replaced, and of those that are about to be. Each step is one conditional statement, so that
 * any node may take it, or take it again.
 */
export function createReplacedFilms(strapi: Core.Strapi) {
  const rows = () => strapi.db.query(ASSET_UID);

  async function find(where: object): Promise<ReplacedFilm[]> {
    const found: unknown[] = await rows().findMany({ where, orderBy: { id: 'asc' }, limit: ROWS_AT_ONCE });
    return found.flatMap((row) => rowSchema.safeParse(row).data ?? []);
  }

  return {
    /** Written down before the file's row changes: whoever finds the row changed can take the next step. */
    async promise({ old, by, file }: Replacement): Promise<void> {
      await rows().update({ where: { documentId: old, state: 'ready' }, data: { replacedBy: by, replacedIn: file } });
    },

    /** Nobody begins on it from now on. False: it is so already, or a Media Library row stands for it still. */
    async settle(assetId: string, reason = 'replaced'): Promise<boolean> {
      if ((await getService(strapi, 'asset').countFiles(assetId)) > 0) return false;
      const where = { documentId: assetId, state: 'ready' };
      return Boolean(await rows().update({ where, data: { state: 'replaced', reason } }));
    },

    /** Says where its bytes are about to go. False: another node said so before, or it is not there any more. */
    async promiseTrash({ documentId, storageKey }: ReplacedFilm, trashKey: string): Promise<boolean> {
      const where = { documentId, storageKey, state: 'replaced', trashKey: null };
      return Boolean(await rows().update({ where, data: { trashKey } }));
    },

    /** Its bytes lie where they were promised to. False: another node said so before. */
    async trashed({ documentId }: ReplacedFilm, reason: string): Promise<boolean> {
      return Boolean(
        await rows().update({ where: { documentId, state: 'replaced' }, data: { state: 'trashed', reason } }),
      );
    },

    async find(assetId: string): Promise<ReplacedFilm | null> {
      return (await find({ documentId: assetId, state: 'replaced' }))[0] ?? null;
    },

    /** That wait for the end of their last session. */
    waiting: () => find({ state: 'replaced' }),

    /** Assets that this Media Library file has stood for, or was about to. */
    async everIn(file: string): Promise<string[]> {
      const found: unknown[] = await rows().findMany({ where: { replacedIn: file }, orderBy: { id: 'asc' } });
      const films = found.flatMap((row) => chainSchema.safeParse(row).data ?? []);
      const ids = films.flatMap(({ documentId, replacedBy }) => [documentId, ...(replacedBy ? [replacedBy] : [])]);
      return [...new Set(ids)];
    },

    /** That were replaced in this Media Library file. */
    of: (file: string) => find({ state: 'replaced', replacedIn: file }),

    /** Whose file may stand for another film by now; the next step may have been cut off. */
    promised: () => find({ state: 'ready', replacedIn: { $notNull: true } }),
  };
}

export type ReplacedFilms = ReturnType<typeof createReplacedFilms>;
