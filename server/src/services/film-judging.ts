import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { assetIdSchema } from '../../contracts';
import { configOf } from '../config';
import { ASSET_UID } from '../content-types/uids';
import { VodError } from '../errors';
import type { FilmInspection } from '../storage/inspection/film-inspection';
import { FilmInspector } from '../storage/inspection/film-inspector';
import { pathOfKey } from '../storage/storage-root';
import { judgementColumns } from './asset-judgement';
import { getService } from './get-service';

const rowSchema = z.object({
  id: z.number(),
  documentId: assetIdSchema,
  fileName: z.string(),
  storageKey: z.string(),
  trashKey: z.string().nullish(),
});

/** `dist/film-inspector` lies beside `dist/server`. */
function builtInspector(): string {
  return path.join(__dirname, '../film-inspector/index.js');
}

/** Looks into films, in threads beside Strapi's, and says what can be done with them. */
export function createFilmJudgingService({ strapi }: { strapi: Core.Strapi }) {
  const { maxHeapBytes, ...limits } = configOf(strapi).inspection;
  const heapMegabytes = Math.ceil(maxHeapBytes / 1024 ** 2);
  const inspector = new FilmInspector({ entry: builtInspector(), heapMegabytes });
  const rows = () => strapi.db.query(ASSET_UID);

  async function judge(row: z.infer<typeof rowSchema>): Promise<void> {
    const { documentId, fileName, storageKey, trashKey } = row;
    const file = pathOfKey(getService(strapi, 'storage').root, trashKey ?? storageKey);
    const inspection = await inspector.inspect({ path: file, fileName, limits });
    // Another node may have been as fast, and found the same.
    await rows().update({ where: { documentId, verdict: null }, data: judgementColumns(inspection) });
  }

  return {
    /** Makes ready what `inspect` will need. */
    prepare: () => inspector.prepare(),
    close: () => inspector.close(),

    /** `fileName` only goes into the sentence. Throws what the file system throws. */
    inspect: (file: string, fileName: string): Promise<FilmInspection> =>
      inspector.inspect({ path: file, fileName, limits }),

    /** Judges films that came in without a judgement: they are not played before. One that cannot be read is left. */
    async judgeRest(): Promise<void> {
      for (let after = 0; ; ) {
        const found: unknown = await rows().findOne({
          where: { verdict: null, id: { $gt: after } },
          orderBy: { id: 'asc' },
        });
        const row = rowSchema.nullable().parse(found);
        if (row === null) return;
        after = row.id;
        await judge(row).catch((error: unknown) => {
          const code = error instanceof VodError ? error.code : error;
          strapi.log.warn(`protected-vod: asset ${row.documentId} could not be judged (${String(code)})`);
        });
      }
    },
  };
}
